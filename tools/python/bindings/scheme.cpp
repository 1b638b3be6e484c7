// SPDX-License-Identifier: Apache-2.0
#include "tools/python/bindings/scheme.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <lacuna/he/files/parameters_json.h>
#include <lacuna/he/files/serialize.h>
#include <lacuna/he/fv/batch_encoder.h>
#include <lacuna/he/fv/coefficient_encoder.h>
#include <lacuna/he/fv/decryptor.h>
#include <lacuna/he/fv/encryptor.h>
#include <lacuna/he/rlwe/key_generator.h>
#include "tools/python/bindings/arrays.h"
#include "tools/python/bindings/calls.h"
#include "tools/python/bindings/contents.h"

namespace lacuna::python {

namespace py = pybind11;
using namespace pybind11::literals;

namespace {

using SharedSecretKey = Held<SecretKey>;
using SharedPublicKey = Held<PublicKey>;
using SharedRelinKeys = Held<RelinKeys>;
using SharedGaloisKeys = Held<GaloisKeys>;
using SharedCiphertext = Held<Ciphertext>;

template <typename Object>
Held<Object> hold(const ContextPointer& context, Object object) {
    return {context, std::make_shared<const Object>(std::move(object))};
}

std::string moduli_text(const Context& context) {
    std::string text;
    for (std::size_t i = 0; i < context.plain_count(); ++i) {
        text += (i == 0 ? "" : ", ") + to_string(context.plain(i).t());
    }
    return text;
}

// --- parameters and context -------------------------------------------------------------------------------

std::vector<PlainModulus> binomials(const std::vector<std::pair<std::size_t, std::int64_t>>& pairs) {
    std::vector<PlainModulus> result;
    for (const auto& [power, base] : pairs) {
        result.push_back(PlainModulus::binomial(power, base));
    }
    return result;
}

void bind_parameters(py::module_& module) {
    py::class_<Parameters>(module, "Parameters",
                           "What a person writes to say which scheme they want; Context validates it.")
        .def(py::init([](std::size_t n, std::vector<int> data_bits, std::vector<std::uint64_t> data_primes,
                         std::vector<int> special_bits, std::vector<std::uint64_t> special_primes,
                         std::size_t digit_limbs, std::vector<int> plain_bits,
                         std::vector<std::uint64_t> plain_moduli,
                         const std::vector<std::pair<std::size_t, std::int64_t>>& plain_polynomials,
                         int security, bool allow_insecure) {
                 return Parameters{.n = n,
                                   .data_bits = std::move(data_bits),
                                   .data_primes = std::move(data_primes),
                                   .special_bits = std::move(special_bits),
                                   .special_primes = std::move(special_primes),
                                   .digit_limbs = digit_limbs,
                                   .plain_bits = std::move(plain_bits),
                                   .plain_moduli = std::move(plain_moduli),
                                   .plain_polynomials = binomials(plain_polynomials),
                                   .security = security,
                                   .allow_insecure = allow_insecure};
             }),
             py::kw_only(), "n"_a = 8192, "data_bits"_a = py::list(), "data_primes"_a = py::list(),
             "special_bits"_a = py::list(), "special_primes"_a = py::list(), "digit_limbs"_a = 1,
             "plain_bits"_a = py::list(), "plain_moduli"_a = py::list(), "plain_polynomials"_a = py::list(),
             "security"_a = 128, "allow_insecure"_a = false)
        .def_static(
            "from_json",
            [](const std::string& text) {
                return of_values([&] { return parse_parameters(text, "parameters"); });
            },
            "text"_a)
        .def("to_json", [](const Parameters& self) { return format_parameters(self); })
        .def_readonly("n", &Parameters::n)
        .def_readonly("data_bits", &Parameters::data_bits)
        .def_readonly("data_primes", &Parameters::data_primes)
        .def_readonly("special_bits", &Parameters::special_bits)
        .def_readonly("special_primes", &Parameters::special_primes)
        .def_readonly("digit_limbs", &Parameters::digit_limbs)
        .def_readonly("plain_bits", &Parameters::plain_bits)
        .def_readonly("plain_moduli", &Parameters::plain_moduli)
        .def_property_readonly("plain_polynomials",
                               [](const Parameters& self) {
                                   std::vector<std::pair<std::size_t, std::int64_t>> pairs;
                                   for (const PlainModulus& t : self.plain_polynomials) {
                                       pairs.emplace_back(t.power(), t.base());
                                   }
                                   return pairs;
                               })
        .def_readonly("security", &Parameters::security)
        .def_readonly("allow_insecure", &Parameters::allow_insecure)
        .def("__eq__", [](const Parameters& self, const Parameters& other) { return self == other; })
        .def("__repr__",
             [](const Parameters& self) { return "Parameters(" + format_parameters(self) + ")"; });
}

void bind_context(py::module_& module) {
    py::class_<SharedContext, std::shared_ptr<SharedContext>>(
        module, "Context", "Validated parameters and everything derived from them; immutable.")
        .def(py::init([](const Parameters& parameters) {
                 return of_values([&] { return std::make_shared<SharedContext>(parameters); });
             }),
             "parameters"_a)
        .def_property_readonly("parameters", &SharedContext::parameters)
        .def_property_readonly("n", [](const SharedContext& self) { return self.context().n(); })
        .def_property_readonly("levels", [](const SharedContext& self) { return self.ring().max_limbs(); })
        .def_property_readonly(
            "log_q", [](const SharedContext& self) { return self.ring().log_q(self.ring().max_limbs()); })
        .def_property_readonly("plain_moduli",
                               [](const SharedContext& self) {
                                   std::vector<std::string> texts;
                                   for (std::size_t i = 0; i < self.context().plain_count(); ++i) {
                                       texts.push_back(to_string(self.context().plain(i).t()));
                                   }
                                   return texts;
                               })
        .def("__repr__", [](const SharedContext& self) {
            return "Context(n=" + std::to_string(self.context().n()) + ", " +
                   std::to_string(self.ring().max_limbs()) +
                   " data primes, t = " + moduli_text(self.context()) + ")";
        });
}

// --- keys -------------------------------------------------------------------------------------------------

/// to_bytes, load and a repr that shows nothing of the key.
template <typename Key>
py::class_<Held<Key>> bind_key(py::module_& module, const char* name, const char* doc,
                               Key (*load_one)(Source&, const Ring&)) {
    return py::class_<Held<Key>>(module, name, doc)
        .def("to_bytes",
             [](const Held<Key>& self) {
                 std::ostringstream stream;
                 save(stream, self.context->ring(), *self.object);
                 return bytes_of(stream.str());
             })
        .def_static(
            "load",
            [load_one](const ContextPointer& context, const py::object& source) {
                const Contents contents(source, "source");
                return of_values([&] {
                    return hold(context, load(contents,
                                              [&](Source& from) { return load_one(from, context->ring()); }));
                });
            },
            "context"_a, "source"_a)
        .def("__repr__", [name = std::string(name)](const Held<Key>& self) {
            constexpr bool secret = std::is_same_v<Key, SecretKey>;
            return name + "(n=" + std::to_string(self.context->context().n()) +
                   (secret ? ", not shown)" : ")");
        });
}

[[noreturn]] py::object refuse_pickle(const py::object& /*self*/, const py::args& /*protocol*/) {
    throw py::type_error(
        "what may hold a secret key is not pickled; SecretKey.to_bytes() says that it is meant to leave");
}

std::shared_ptr<KeyGenerator> make_key_generator(const ContextPointer& context,
                                                 const std::optional<SharedSecretKey>& secret) {
    return of_values([&] {
        return secret ? std::make_shared<KeyGenerator>(context->context(), *secret->object)
                      : std::make_shared<KeyGenerator>(context->context());
    });
}

/// A key generator and its context.
struct HeldKeyGenerator {
    ContextPointer context;
    std::shared_ptr<KeyGenerator> generator;
};

void bind_keys(py::module_& module) {
    bind_key<SecretKey>(module, "SecretKey",
                        "The secret s. Its repr shows nothing, and it cannot be pickled.", &load_secret_key)
        .def("__reduce_ex__", &refuse_pickle);
    bind_key<PublicKey>(module, "PublicKey", "Encrypts, and decrypts nothing.", &load_public_key);
    bind_key<RelinKeys>(module, "RelinKeys", "From s^2 to s: for Evaluator.relinearize().", &load_relin_keys);
    bind_key<GaloisKeys>(module, "GaloisKeys", "For rotations of the slots.", &load_galois_keys)
        .def_property_readonly("elements", [](const SharedGaloisKeys& self) {
            std::vector<std::uint32_t> elements;
            for (const auto& [element, entry] : self.object->entries) {
                elements.push_back(element);
            }
            return elements;
        });
    py::class_<HeldKeyGenerator>(module, "KeyGenerator",
                                 "Makes a secret key, or takes one, and makes everything that depends on it.")
        .def(py::init([](const ContextPointer& context, const std::optional<SharedSecretKey>& secret) {
                 return HeldKeyGenerator{context, make_key_generator(context, secret)};
             }),
             "context"_a, "secret_key"_a = py::none())
        .def_property_readonly("secret_key",
                               [](const HeldKeyGenerator& self) {
                                   return SharedSecretKey{self.context, self.generator->shared_secret_key()};
                               })
        .def("public_key",
             [](const HeldKeyGenerator& self) {
                 return of_values([&] { return hold(self.context, self.generator->public_key()); });
             })
        .def(
            "relin_keys",
            [](const HeldKeyGenerator& self, std::optional<int> threads) {
                const int count = thread_count(threads);
                return of_values([&] { return hold(self.context, self.generator->relin_keys(count)); });
            },
            "threads"_a = py::none())
        .def(
            "galois_keys",
            [](const HeldKeyGenerator& self, const std::vector<int>& steps, bool row_swap,
               std::optional<int> threads) {
                const int count = thread_count(threads);
                return of_values(
                    [&] { return hold(self.context, self.generator->galois_keys(steps, row_swap, count)); });
            },
            "steps"_a, "row_swap"_a = false, "threads"_a = py::none())
        .def("__reduce_ex__", &refuse_pickle)
        .def("__repr__", [](const HeldKeyGenerator& self) {
            return "KeyGenerator(n=" + std::to_string(self.context->context().n()) +
                   ", secret key not shown)";
        });
}

// --- plaintexts and encoders ------------------------------------------------------------------------------

template <typename Encoder>
void bind_encoder(py::class_<Encoder>& encoder) {
    encoder
        .def(py::init([](const ContextPointer& context, std::size_t plain_index) {
                 return of_values([&] { return Encoder(context->context(), plain_index); });
             }),
             "context"_a, "plain_index"_a = 0)
        .def(
            "encode",
            [](const Encoder& self, const py::object& values) {
                const std::vector<std::int64_t> numbers = integers_of(values, "values");
                return of_values([&] { return self.encode(numbers); });
            },
            "values"_a)
        .def(
            "decode",
            [](const Encoder& self, const Plaintext& plaintext) {
                return array_of(of_values([&] { return self.decode(plaintext); }));
            },
            "plaintext"_a);
}

void bind_plaintexts(py::module_& module) {
    py::class_<Plaintext>(module, "Plaintext",
                          "A polynomial modulo x^n + 1 and the plaintext modulus. Its repr shows no message.")
        .def_property_readonly("n", &Plaintext::n)
        .def_property_readonly("modulus", [](const Plaintext& self) { return to_string(self.t()); })
        .def("coefficients",
             [](const Plaintext& self) {
                 std::vector<std::int64_t> values(self.n());
                 for (std::size_t i = 0; i < values.size(); ++i) {
                     values[i] = self.centred(i);
                 }
                 return array_of(values);
             })
        .def("__eq__", [](const Plaintext& self, const Plaintext& other) { return self == other; })
        .def("__repr__", [](const Plaintext& self) {
            return "Plaintext(n=" + std::to_string(self.n()) + ", t = " + to_string(self.t()) + ")";
        });
    py::class_<BatchEncoder> batch(
        module, "BatchEncoder", "Puts n integers modulo t into the n slots of a plaintext: two rows of n/2.");
    bind_encoder(batch);
    batch.def_property_readonly("slots", &BatchEncoder::slots);
    py::class_<CoefficientEncoder> coefficients(module, "CoefficientEncoder",
                                                "Puts integers straight into coefficients.");
    bind_encoder(coefficients);
}

// --- encryption -------------------------------------------------------------------------------------------

struct HeldEncryptor {
    ContextPointer context;
    Encryptor encryptor;
};

struct HeldDecryptor {
    ContextPointer context;
    Decryptor decryptor;
};

void bind_encryption(py::module_& module) {
    py::class_<HeldEncryptor>(module, "Encryptor", "Encrypts plaintexts with a public or a secret key.")
        .def(py::init([](const ContextPointer& context,
                         const std::variant<SharedPublicKey, SharedSecretKey>& key) {
                 return std::visit(
                     [&](const auto& given) {
                         return of_values([&] {
                             return HeldEncryptor{context, Encryptor(context->context(), given.object)};
                         });
                     },
                     key);
             }),
             "context"_a, "key"_a)
        .def(
            "encrypt",
            [](const HeldEncryptor& self, const Plaintext& plaintext) {
                return of_values([&] { return hold(self.context, self.encryptor.encrypt(plaintext)); });
            },
            "plaintext"_a)
        .def("__reduce_ex__", &refuse_pickle)
        .def("__repr__", [](const HeldEncryptor& self) {
            return "Encryptor(n=" + std::to_string(self.context->context().n()) + ")";
        });
    py::class_<HeldDecryptor>(module, "Decryptor", "Decrypts, at any level and size.")
        .def(py::init([](const ContextPointer& context, const SharedSecretKey& key) {
                 return of_values([&] {
                     return HeldDecryptor{context, Decryptor(context->context(), key.object)};
                 });
             }),
             "context"_a, "secret_key"_a)
        .def(
            "decrypt",
            [](const HeldDecryptor& self, const SharedCiphertext& ciphertext) {
                return of_values([&] { return self.decryptor.decrypt(*ciphertext.object); });
            },
            "ciphertext"_a)
        .def(
            "noise_budget",
            [](const HeldDecryptor& self, const SharedCiphertext& ciphertext) {
                return of_values([&] { return self.decryptor.noise_budget(*ciphertext.object); });
            },
            "ciphertext"_a,
            "Bits of noise that may still be added before decryption fails. It says something of the secret "
            "key: "
            "never show it to whoever sends ciphertexts.")
        .def("__reduce_ex__", &refuse_pickle)
        .def("__repr__", [](const HeldDecryptor& self) {
            return "Decryptor(n=" + std::to_string(self.context->context().n()) + ", secret key not shown)";
        });
}

// --- evaluation -------------------------------------------------------------------------------------------

/// What an operation of the evaluator makes of ciphertexts, whose context the result has.
template <typename Operation>
SharedCiphertext evaluated(const ContextPointer& context, const Operation& operation) {
    return of_values([&] { return hold(context, operation(context->evaluator())); });
}

/// The constant polynomial of an integer: in every slot the same number.
Plaintext constant(const SharedCiphertext& like, std::int64_t value) {
    const PlainModulus& t = like.object->t;
    if (!t.is_integer()) {
        throw InputError(
            "expected a Plaintext, found a number, which x^k - b may have no digit for; encode it");
    }
    Plaintext plaintext(like.context->context().n(), t);
    const auto modulus = static_cast<std::int64_t>(t.value());
    const std::int64_t residue = value % modulus;
    plaintext[0] = static_cast<std::uint64_t>(residue < 0 ? residue + modulus : residue);
    return plaintext;
}

SharedCiphertext multiplied(const SharedCiphertext& a, const SharedCiphertext& b) {
    return evaluated(a.context, [&](const Evaluator& evaluator) {
        return a.object == b.object ? evaluator.square(*a.object) : evaluator.multiply(*a.object, *b.object);
    });
}

SharedCiphertext plus(const SharedCiphertext& a, const Plaintext& b) {
    return evaluated(a.context,
                     [&](const Evaluator& evaluator) { return evaluator.add_plain(*a.object, b); });
}

SharedCiphertext minus(const SharedCiphertext& a, const Plaintext& b) {
    return evaluated(a.context,
                     [&](const Evaluator& evaluator) { return evaluator.subtract_plain(*a.object, b); });
}

SharedCiphertext negated(const SharedCiphertext& a) {
    return evaluated(a.context, [&](const Evaluator& evaluator) { return evaluator.negate(*a.object); });
}

SharedCiphertext plus(const SharedCiphertext& a, const SharedCiphertext& b) {
    return evaluated(a.context,
                     [&](const Evaluator& evaluator) { return evaluator.add(*a.object, *b.object); });
}

SharedCiphertext minus(const SharedCiphertext& a, const SharedCiphertext& b) {
    return evaluated(a.context,
                     [&](const Evaluator& evaluator) { return evaluator.subtract(*a.object, *b.object); });
}

SharedCiphertext times(const SharedCiphertext& a, const Plaintext& b) {
    return evaluated(a.context,
                     [&](const Evaluator& evaluator) { return evaluator.multiply_plain(*a.object, b); });
}

SharedCiphertext times(const SharedCiphertext& a, std::int64_t b) {
    return evaluated(a.context,
                     [&](const Evaluator& evaluator) { return evaluator.multiply_scalar(*a.object, b); });
}

/// [part][limb][coefficient], as they are stored.
py::array_t<std::uint64_t> residues(const SharedCiphertext& self) {
    const Ciphertext& ciphertext = *self.object;
    py::array_t<std::uint64_t> array({ciphertext.size(), ciphertext.limbs(), ciphertext.n()});
    std::uint64_t* out = array.mutable_data();
    for (const RnsPolynomial& part : ciphertext.parts) {
        for (std::size_t i = 0; i < part.limbs(); ++i) {
            out = std::copy_n(part.limb(i), part.n(), out);
        }
    }
    return array;
}

void bind_ciphertext(py::module_& module) {
    using C = SharedCiphertext;
    py::class_<C>(module, "Ciphertext",
                  "An encrypted plaintext. + and - take ciphertexts, plaintexts and integers, * too: the "
                  "product of two "
                  "ciphertexts has three parts until Evaluator.relinearize().")
        .def_property_readonly("size", [](const C& self) { return self.object->size(); })
        .def_property_readonly("limbs", [](const C& self) { return self.object->limbs(); })
        .def_property_readonly("n", [](const C& self) { return self.object->n(); })
        .def_property_readonly("modulus", [](const C& self) { return to_string(self.object->t); })
        .def("residues", &residues)
        .def("to_bytes",
             [](const C& self) {
                 std::ostringstream stream;
                 save(stream, self.context->ring(), *self.object);
                 return bytes_of(stream.str());
             })
        .def_static(
            "load",
            [](const ContextPointer& context, const py::object& source) {
                const Contents contents(source, "source");
                return of_values([&] {
                    return hold(context, load(contents, [&](Source& from) {
                                    return load_ciphertext(from, context->context());
                                }));
                });
            },
            "context"_a, "source"_a)
        .def(
            "__add__", [](const C& a, const C& b) { return plus(a, b); }, py::is_operator())
        .def(
            "__add__", [](const C& a, const Plaintext& b) { return plus(a, b); }, py::is_operator())
        .def(
            "__add__", [](const C& a, std::int64_t b) { return plus(a, constant(a, b)); }, py::is_operator())
        .def(
            "__radd__", [](const C& a, const Plaintext& b) { return plus(a, b); }, py::is_operator())
        .def(
            "__radd__", [](const C& a, std::int64_t b) { return plus(a, constant(a, b)); }, py::is_operator())
        .def(
            "__sub__", [](const C& a, const C& b) { return minus(a, b); }, py::is_operator())
        .def(
            "__sub__", [](const C& a, const Plaintext& b) { return minus(a, b); }, py::is_operator())
        .def(
            "__sub__", [](const C& a, std::int64_t b) { return minus(a, constant(a, b)); }, py::is_operator())
        .def(
            "__rsub__", [](const C& a, const Plaintext& b) { return plus(negated(a), b); }, py::is_operator())
        .def(
            "__rsub__", [](const C& a, std::int64_t b) { return plus(negated(a), constant(a, b)); },
            py::is_operator())
        .def(
            "__mul__", [](const C& a, const C& b) { return multiplied(a, b); }, py::is_operator())
        .def(
            "__mul__", [](const C& a, const Plaintext& b) { return times(a, b); }, py::is_operator())
        .def(
            "__mul__", [](const C& a, std::int64_t b) { return times(a, b); }, py::is_operator())
        .def(
            "__rmul__", [](const C& a, const Plaintext& b) { return times(a, b); }, py::is_operator())
        .def(
            "__rmul__", [](const C& a, std::int64_t b) { return times(a, b); }, py::is_operator())
        .def("__neg__", [](const C& a) { return negated(a); })
        // So that NumPy's numbers leave a product with a ciphertext to it.
        .def_property_readonly_static("__array_ufunc__",
                                      [](const py::object& /*type*/) { return py::none(); })
        .def("__repr__", [](const C& self) {
            const Ciphertext& c = *self.object;
            return "Ciphertext(n=" + std::to_string(c.n()) + ", " + std::to_string(c.size()) + " parts, " +
                   std::to_string(c.limbs()) + " limbs, t = " + to_string(c.t) + ")";
        });
}

struct HeldEvaluator {
    ContextPointer context;
};

void bind_evaluator(py::module_& module) {
    using C = SharedCiphertext;
    using E = HeldEvaluator;
    py::class_<E>(module, "Evaluator", "Homomorphic operations, in the words of SEAL's.")
        .def(py::init([](const ContextPointer& context) {
                 of_values([&] { (void)context->evaluator(); });
                 return E{context};
             }),
             "context"_a)
        .def(
            "add", [](const E&, const C& a, const C& b) { return plus(a, b); }, "a"_a, "b"_a)
        .def(
            "subtract", [](const E&, const C& a, const C& b) { return minus(a, b); }, "a"_a, "b"_a)
        .def(
            "negate", [](const E&, const C& a) { return negated(a); }, "a"_a)
        .def(
            "add_plain", [](const E&, const C& a, const Plaintext& b) { return plus(a, b); }, "a"_a, "b"_a)
        .def(
            "subtract_plain", [](const E&, const C& a, const Plaintext& b) { return minus(a, b); }, "a"_a,
            "b"_a)
        .def(
            "multiply_plain", [](const E&, const C& a, const Plaintext& b) { return times(a, b); }, "a"_a,
            "b"_a)
        .def(
            "multiply_scalar", [](const E&, const C& a, std::int64_t scalar) { return times(a, scalar); },
            "a"_a, "scalar"_a)
        .def(
            "multiply_monomial",
            [](const E& self, const C& a, std::int64_t coefficient, std::size_t exponent) {
                return evaluated(self.context, [&](const Evaluator& evaluator) {
                    return evaluator.multiply_monomial(*a.object, {coefficient, exponent});
                });
            },
            "a"_a, "coefficient"_a, "exponent"_a)
        .def(
            "multiply", [](const E&, const C& a, const C& b) { return multiplied(a, b); }, "a"_a, "b"_a)
        .def(
            "square", [](const E&, const C& a) { return multiplied(a, a); }, "a"_a)
        .def(
            "relinearize",
            [](const E& self, const C& a, const SharedRelinKeys& keys) {
                return evaluated(self.context, [&](const Evaluator& evaluator) {
                    return evaluator.relinearize(*a.object, *keys.object);
                });
            },
            "a"_a, "keys"_a)
        .def(
            "rotate_rows",
            [](const E& self, const C& a, int steps, const SharedGaloisKeys& keys) {
                return evaluated(self.context, [&](const Evaluator& evaluator) {
                    return evaluator.rotate_rows(*a.object, steps, *keys.object);
                });
            },
            "a"_a, "steps"_a, "keys"_a)
        .def(
            "rotate_columns",
            [](const E& self, const C& a, const SharedGaloisKeys& keys) {
                return evaluated(self.context, [&](const Evaluator& evaluator) {
                    return evaluator.rotate_columns(*a.object, *keys.object);
                });
            },
            "a"_a, "keys"_a)
        .def(
            "mod_switch",
            [](const E& self, const C& a) {
                return evaluated(self.context,
                                 [&](const Evaluator& evaluator) { return evaluator.mod_switch(*a.object); });
            },
            "a"_a)
        .def(
            "mod_switch_to",
            [](const E& self, const C& a, std::size_t limbs) {
                return evaluated(self.context, [&](const Evaluator& evaluator) {
                    return evaluator.mod_switch_to(*a.object, limbs);
                });
            },
            "a"_a, "limbs"_a);
}

}  // namespace

void bind_scheme(py::module_& module) {
    bind_parameters(module);
    bind_context(module);
    bind_keys(module);
    bind_plaintexts(module);
    bind_encryption(module);
    bind_ciphertext(module);
    bind_evaluator(module);
}

}  // namespace lacuna::python
