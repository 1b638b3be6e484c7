// SPDX-License-Identifier: Apache-2.0
#include <lacuna/nn/model/text_file.h>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <thread>

#include <lacuna/nn/model/model.h>
#include <lacuna/nn/plan/plan.h>
#include <lacuna/nn/run_control.h>
#include <lacuna/ntt/error.h>

namespace lacuna {
namespace {

namespace fs = std::filesystem;

std::string error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

class TextFileTest : public ::testing::Test {
  protected:
    TextFileTest() { fs::create_directory(folder); }
    ~TextFileTest() override { fs::remove_all(folder); }

    [[nodiscard]] fs::path written(const std::string& name, const std::string& text) const {
        std::ofstream(folder / name, std::ios::binary) << text;
        return folder / name;
    }

    const fs::path folder = fs::temp_directory_path() / ("lacuna-text-" + std::to_string(::getpid()));
};

TEST_F(TextFileTest, ReadsWhatFits) {
    for (const std::size_t size : {0U, 1U, 999U, 1000U}) {
        const TextFile file = read_text(written("a", std::string(size, 'x')), 1000);
        EXPECT_TRUE(file.whole);
        EXPECT_EQ(file.text, std::string(size, 'x'));
        EXPECT_EQ(file.size, size);
    }
    const std::string large(3'000'000, 'y');
    EXPECT_EQ(read_text(written("b", large), large.size()).text, large);
}

TEST_F(TextFileTest, ReadsNoMoreThanAllowed) {
    const TextFile file = read_text(written("a", std::string(1001, 'x')), 1000);
    EXPECT_FALSE(file.whole);
    EXPECT_EQ(file.size, 1001U);
    EXPECT_EQ(file.text, "");
    // Three terabytes that take no room, and a device without an end.
    fs::resize_file(written("huge", ""), std::uintmax_t{3} << 40);
    EXPECT_FALSE(read_text(folder / "huge", 1000).whole);
    const TextFile endless = read_text("/dev/zero", 5'000'000);
    EXPECT_FALSE(endless.whole);
    EXPECT_EQ(endless.size, std::nullopt);
}

TEST_F(TextFileTest, ReadsPipes) {
    const fs::path pipe = folder / "pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    for (const std::size_t size : {10U, 200'000U, 1'000'001U}) {
        std::thread writer([&] {
            std::ofstream stream(pipe);
            for (std::size_t i = 0; i < size; ++i) {
                stream.put('z');
            }
        });
        const TextFile file = read_text(pipe, 1'000'001);
        writer.join();
        EXPECT_TRUE(file.whole);
        EXPECT_EQ(file.text.size(), size);
    }
}

TEST_F(TextFileTest, StopsWhenAsked) {
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW((void)read_text("/dev/zero", 100, stop.get_token()), Stopped);
}

TEST_F(TextFileTest, LoadersNameFileAndLimit) {
    fs::resize_file(written("huge", ""), std::uintmax_t{3} << 30);
    EXPECT_EQ(error_of([&] { (void)load_client_plan(folder / "huge"); }),
              (folder / "huge").string() +
                  ": expected at most 4194304 bytes, found 3221225472; give the client's half of a plan, as "
                  "`lacuna plan --export-client` writes it");
    EXPECT_NE(
        error_of([&] { (void)load_client_plan("/dev/zero"); }).find("at most 4194304 bytes, found more"),
        std::string::npos);
    EXPECT_NE(error_of([&] { (void)load_model(folder / "huge"); }).find("at most 67108864 bytes"),
              std::string::npos);
    EXPECT_NE(error_of([&] { (void)load_model("/dev/zero"); }).find("at most 67108864 bytes, found more"),
              std::string::npos);
    EXPECT_EQ(error_of([&] { (void)load_client_plan(folder / "none"); }).rfind((folder / "none").string(), 0),
              0U);
    EXPECT_NE(error_of([&] { (void)load_client_plan(folder); }).find("cannot"), std::string::npos);
}

}  // namespace
}  // namespace lacuna
