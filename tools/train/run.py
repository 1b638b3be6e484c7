#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""From MNIST, Fashion-MNIST or CIFAR-10 to a *.lacuna.json: follows a recipe (tools/train/recipes/<name>.json) stage by stage.

Each stage leaves a checkpoint, so an interrupted run goes on where it stopped, and a changed recipe reuses the stages
before the change. The test set is read once, at the end, and only with --test.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from pathlib import Path

# OpenBLAS reads this when it loads. Its threads busy-wait for each other, which costs far more than it gains when other
# processes use the same cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

if __name__ == "__main__":
    import packages

    packages.require("numpy", "torch")

import torch

import data
import evaluate
import export
import hops
import output_file
import ranges
import stages
import teacher
import training
from network import Network, RecipeError

RECIPES = Path(__file__).resolve().parent / "recipes"
LAYER_FIELDS = {"convolution": ("maps", "kernel", "stride", "padding"), "dense": ("outputs",),
                "sum_pool": ("window", "stride")}
CHECKPOINTS = 2  # raised when what a checkpoint holds changes: older ones are then left alone
TINY = 0.1  # share of a recipe's epochs in --tiny
TINY_IMAGES = 600


def read_recipe(name):
    """A recipe by its name or its file."""
    file = Path(name) if name.endswith(".json") else RECIPES / f"{name}.json"
    known = ", ".join(sorted(r.stem for r in RECIPES.glob("*.json")))
    if not file.is_file():
        raise RecipeError(f"no recipe {file}; known: {known}")
    try:
        recipe = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise RecipeError(f"{file}: {problem}") from problem
    missing = [key for key in ("name", "seed", "thresholds", "layers", "data", "stages") if key not in recipe]
    if missing:
        raise RecipeError(f"{file}: missing {', '.join(missing)}")
    check_recipe(file, recipe)
    for stage in recipe["stages"]:
        if stage.get("gentle") and "gentle" not in recipe:
            raise RecipeError(f"{file}: a stage wants the gentle pool, and the recipe has none")
        if stage.get("stage") not in stages.STAGES:
            raise RecipeError(f"{file}: stage {stage.get('stage')!r} is none of {', '.join(stages.STAGES)}")
        check_stage(file, recipe, stage)
    return recipe


def check_recipe(file, recipe):
    if not isinstance(recipe["name"], str) or not export.NAME.fullmatch(recipe["name"]):
        raise RecipeError(f"{file}: name {recipe['name']!r}: 1 to 64 characters of a-z 0-9 - _")
    for key, kind in (("seed", int), ("thresholds", list), ("layers", list), ("data", dict), ("stages", list)):
        if not isinstance(recipe[key], kind) or not (recipe[key] or kind is int):
            raise RecipeError(f"{file}: {key!r} is {recipe[key]!r}; expected a {kind.__name__}")
    for part in ("layers", "stages"):
        if not all(isinstance(entry, dict) for entry in recipe[part]):
            raise RecipeError(f"{file}: every entry of {part!r} has to be an object")
    for entry in recipe["layers"]:
        for key in ("type", "name", *LAYER_FIELDS.get(entry.get("type"), ())):
            if key not in entry:
                raise RecipeError(f"{file}: layer {entry.get('name', '?')!r}: {key!r} is missing")
    if recipe["data"].get("set", "mnist") not in data.SETS:
        raise RecipeError(f"{file}: \"data\": set {recipe['data']['set']!r} is none of {', '.join(data.SETS)}")
    for key in ("copies", "strength", "seed"):
        if key not in recipe["data"]:
            raise RecipeError(f"{file}: \"data\": {key!r} is missing")


def check_stage(file, recipe, stage):
    if not isinstance(stage.get("epochs"), int) or stage["epochs"] < 0:
        raise RecipeError(f"{file}: stage {stage['stage']!r}: \"epochs\" is {stage.get('epochs')!r}; expected a whole "
                          f"number")
    if stage["stage"] == "prune" and stage.get("method") == "tiles":
        if not isinstance(stage.get("slots"), int) or not isinstance(stage.get("tiles"), dict):
            raise RecipeError(f"{file}: stage 'prune': method \"tiles\" needs \"slots\", a number, and \"tiles\", how "
                              f"many of each layer stay")
    if stage["stage"] == "quantise":
        sizes = stage.get("size", {})
        missing = [entry["name"] for entry in recipe["layers"]
                   if entry["type"] in ("convolution", "dense") and entry["name"] not in sizes]
        if missing:
            raise RecipeError(f"{file}: stage 'quantise': \"size\" has no entry for {', '.join(missing)}")


def shrink(recipe):
    """The recipe for a few hundred images and a few steps: it shows that every stage works, not how well."""
    small = dict(recipe)
    small["data"] = dict(recipe["data"], copies=2, teacher_epochs=min(1, recipe["data"].get("teacher_epochs", 0)),
                         teacher_width=8)
    if "gentle" in recipe:
        small["gentle"] = dict(recipe["gentle"], copies=2)
    return small


class Log:
    """Lines to the terminal and to a file, anew in each run: a resumed run repeats the lines of its earlier stages."""

    def __init__(self, file):
        self.file = file
        file.write_text("", encoding="utf-8")

    def __call__(self, line):
        print(line, flush=True)
        with open(self.file, "a", encoding="utf-8") as stream:
            stream.write(line + "\n")


def describe(network, course):
    """A stage's outcome in one line: accuracy, density, weight range, predicted HOPs, proven T."""
    parts = [f"validation {training.accuracy(network, course.pixels, course.validation):.2%}"]
    if course.bent is not None:
        parts.append(f"bent {training.accuracy(network, course.pixels, course.bent):.2%}")
    model = network.to_integer()
    kept = [f"{layer.name} {float(layer.mask.mean()):.1%}" for layer in network.weighted()]
    with torch.no_grad():
        spans = [_span(layer.effective_weight()) for layer in network.weighted()]
    parts.append("density " + " ".join(kept))
    parts.append("|w| " + " ".join(spans))
    parts.append(f"HOPs {hops.total(model).total:,}")
    if network.output_unit() is not None:
        parts.append(f"T {ranges.proven_bits(model)} bits")
    return "; ".join(parts)


def _span(weight):
    size = weight.abs()[weight != 0]
    return f"{float(size.min()):.2g}-{float(size.max()):.2g}" if len(size) else "none"


def checkpoint(folder, recipe, count, size):
    """The file that holds the network after `count` stages. Its name changes with anything that the outcome depends
    on, and with nothing else: recipes that begin alike share their first stages."""
    basis = [recipe[key] for key in ("seed", "thresholds", "layers", "data")]
    basis += [recipe.get(key) for key in ("distillation", "shift", "channels_last", "gentle")]
    basis += [recipe["stages"][:count], size, CHECKPOINTS]
    key = hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:12]
    return folder / f"{count}-{recipe['stages'][count - 1]['stage']}-{key}.pt"


def follow(recipe, course, folder, log):
    """Runs the stages, or picks up after the last one that left a checkpoint; returns the network."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [checkpoint(folder, recipe, count, len(course.pool.labels))
             for count in range(1, len(recipe["stages"]) + 1)]
    done = max((count for count, file in enumerate(files, 1) if file.is_file()), default=0)
    if done:
        network, lines, course.curve = load_checkpoint(files[done - 1])
        network.recipe = recipe
        for line in lines:
            log(line)
    else:
        torch.manual_seed(recipe["seed"])
        network, lines = Network(recipe, training.input_shape(course.pool.images[0])), []
        if recipe.get("channels_last"):  # a third faster where convolutions have many maps, slower where few
            network.to(memory_format=torch.channels_last)
    for stage, file in list(zip(recipe["stages"], files))[done:]:
        begin = time.monotonic()
        stages.STAGES[stage["stage"]](network, stage, course)
        lines = [*lines, f"{stage['stage']:8} {describe(network, course)} ({time.monotonic() - begin:.0f} s)"]
        log(lines[-1])
        teacher.save(lambda stream: torch.save((network, lines, course.curve), stream), file)
    return network


def load_checkpoint(file):
    try:
        network, lines, curve = torch.load(file)
    except Exception as problem:  # pickle raises what it likes
        raise RecipeError(f"{file}: not a checkpoint that can be read ({type(problem).__name__}); remove it, and the "
                          f"run goes on from the stage before") from problem
    return network, lines, curve


def write_curve(rows, file):
    output_file.write_csv(file, ("part", "epoch", "loss", "validation", "T"), rows)


def finish(network, course, output, log, command):
    """Exports, reads the file back and evaluates it exactly on the validation part."""
    model = network.to_integer()
    ranges.centre_logits(model)
    validation = course.validation
    chosen = course.recipe["data"].get("set", "mnist")
    model.provenance = {"command": command, "seed": course.recipe["seed"],
                        "trained_on": [{"data": chosen, "part": "train"}]}
    if chosen != "mnist":
        model.provenance["data"] = data.SETS[chosen][0]
    export.save(model, output)
    model = export.load(output)
    log(evaluate.table(model))
    right = evaluate.correct(model, validation)
    floats = round(training.accuracy(network, course.pixels, validation) * len(validation))
    log(f"exported {output.name}: {output.stat().st_size:,} bytes; exact evaluation: validation {right} of "
        f"{len(validation)} correct, {right / len(validation):.2%} (float evaluation: {floats})")
    return model


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("recipe", help=f"name of a recipe, or a file (*.json); recipes: "
                                       f"{', '.join(sorted(r.stem for r in RECIPES.glob('*.json')))}")
    parser.add_argument("--mnist", help="folder with the files of the recipe's data set (default: $LACUNA_MNIST, else "
                                        "data/mnist; of Fashion-MNIST $LACUNA_FASHION_MNIST, else data/fashion-mnist; of "
                                        "CIFAR-10 $LACUNA_CIFAR10, else data/cifar10)")
    parser.add_argument("--work", type=Path, default=Path("data/train"),
                        help="folder for checkpoints and the image pool (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="model file (default: <work>/<name>/<name>.lacuna.json, which a "
                                                    "run replaces)")
    parser.add_argument("--force", action="store_true", help="replace the file of --output where it exists")
    parser.add_argument("--test", action="store_true", help="classify the test set at the end: once per shipped model")
    parser.add_argument("--tiny", action="store_true",
                        help=f"{TINY_IMAGES} images and few steps: checks the pipeline, not the accuracy")
    return parser.parse_args(arguments)


def run(options):
    recipe = read_recipe(options.recipe)
    if options.output:
        output_file.check(options.output, options.force)
    directory = data.locate(options.mnist, recipe["data"].get("set", "mnist"))
    if options.tiny:
        recipe = shrink(recipe)
    # Squares of small numbers underflow in great number, and arithmetic on denormals is slow.
    torch.set_flush_denormal(True)
    split, validation = data.load_training(directory, TINY_IMAGES if options.tiny else None)
    folder = options.work / (recipe["name"] + ("-tiny" if options.tiny else ""))
    folder.mkdir(parents=True, exist_ok=True)
    log = Log(folder / "log")
    pool = teacher.prepare(options.work, split, validation, recipe["data"], log)
    gentle = recipe.get("gentle") and teacher.prepare(options.work, split, validation, recipe["data"], log,
                                                      recipe["gentle"])
    course = stages.Course(recipe, pool, validation, TINY if options.tiny else 1.0, data.bend(validation), gentle)
    network = follow(recipe, course, options.work / "checkpoints", log)
    write_curve(course.curve, folder / "curve.csv")
    output = options.output or folder / f"{recipe['name']}.lacuna.json"
    model = finish(network, course, output, log, f"tools/train/run.py {recipe['name']}")
    if options.test:
        test = data.load(directory, "test")
        right = evaluate.correct(model, test)
        log(f"test set: {right} of {len(test)} correct, {right / len(test):.2%}")
        model.provenance["test_accuracy"] = right / len(test)
        export.save(model, output)


def main(arguments=None):
    try:
        run(parse(arguments))
    except (data.DataError, RecipeError, export.FormatError, output_file.OutputError, ValueError, OSError) as problem:
        print(f"run: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
