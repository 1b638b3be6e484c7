# SPDX-License-Identifier: Apache-2.0
"""The stages of a recipe. Each takes the network on from where the last one left it."""

import prune
import quantise
import ranges
import tile_prune
import training
import whitening
from network import RecipeError

METHODS = ("magnitude", "surgery", "tiles")
SCOPES = ("layer", "global")


class Course:
    """What all stages of one run share: the images, the pixels' quantisation, how to train, the learning curve.

    gentle: the pool of weaker augmentation for stages with "gentle": a pruned network has too few weights left to
            overfit, and none to spend on digits that are bent more than people bend them
    bent: augmented copies of the validation part, which tell networks apart that the part itself cannot
    curve: a row (part of the run, epoch, loss, validation accuracy, T or "" before quantisation) per epoch
    """

    def __init__(self, recipe, pool, validation, scale=1.0, bent=None, gentle=None):
        self.recipe, self.pool, self.validation, self.bent = recipe, pool, validation, bent
        self.gentle = gentle
        self.curve = []
        self.pixels = training.Pixels(recipe["thresholds"])
        self.scale = scale

    def train(self, network, stage, epochs, title, **settings):
        if epochs == 0:
            return
        epochs = max(1, round(epochs * self.scale))
        part = f"{len({row[0] for row in self.curve}) + 1} {title}"

        def record(epoch, loss, score):
            bits = "" if network.output_unit() is None else ranges.proven_bits(network.to_integer())
            self.curve.append((part, epoch, round(loss, 5), score, bits))

        pool = self.gentle if stage.get("gentle") else self.pool
        training.train(network, pool, self.pixels, epochs, stage.get("rate", 0.001),
                       self.recipe["seed"] + stage.get("seed", 0), title,
                       stage.get("distillation", self.recipe.get("distillation")), penalty=stage.get("penalty", 0.0),
                       validation=self.validation, decay=stage.get("decay", 0.0),
                       first_copy=stage.get("first_copy", 0), batch=stage.get("batch", training.BATCH),
                       after_epoch=record, **settings)


def float_stage(network, stage, course):
    """Dense float training with batch norm, folded at the end. "whiten": the first convolution starts from the images'
    patches."""
    if stage.get("whiten"):
        whitening.start(network.weighted()[0], course.pixels(course.pool.images[0][:whitening.IMAGES]))
    course.train(network, stage, stage["epochs"], "float")
    network.fold()
    network.equalise()


def prune_stage(network, stage, course):
    """Prunes along the ramp, then lets the survivors recover at the final density."""
    method, scope = stage.get("method", "surgery"), stage.get("scope", "layer")
    if method not in METHODS or scope not in SCOPES:
        raise RecipeError(f"prune: method {method!r} of {METHODS} and scope {scope!r} of {SCOPES} expected")
    epochs = max(1, round(stage["epochs"] * course.scale))
    steps = epochs * max(1, len(course.pool.labels) // stage.get("batch", training.BATCH))
    if method == "tiles":
        prune_tiles(network, stage, course, int(steps * stage.get("ramp", 0.6)))
        return
    given = stage.get("density", {})
    if "hops" in stage:
        densities = prune.densities_for_budget(network, given, stage["hops"], scope)
    else:
        densities = {layer.name: given.get(layer.name, 1.0) for layer in network.weighted()}
    pruner = prune.Pruner(network, densities, int(steps * stage.get("ramp", 0.6)), method, scope)
    course.train(network, stage, stage["epochs"], "prune", after_step=pruner)
    pruner.finish()
    if "hops" in stage:
        # Rows that lost every weight, or borders, move the count a little: settle the budget exactly.
        prune.apply(network, prune.densities_for_budget(network, given, stage["hops"], scope), scope)


def prune_tiles(network, stage, course, steps):
    """Whole tiles of diagonals, for the packed packing."""
    if stage.get("permute"):
        tile_prune.permute(network, stage["slots"], stage["tiles"], stage.get("run", {}))
    pruner = tile_prune.TilePruner(network, stage["slots"], stage["tiles"], stage.get("run", {}), steps)
    course.train(network, stage, stage["epochs"], "prune", after_step=pruner)
    pruner.finish()


def retrain_stage(network, stage, course):
    """Float training of the surviving weights."""
    course.train(network, stage, stage["epochs"], "retrain")


def quantise_stage(network, stage, course):
    """Incremental network quantisation: fixes portion after portion of the weights, retraining the rest each time.
    With 0 epochs: quantisation after training."""
    network.equalise()
    for name in stage.get("even_columns", []):
        network.even_columns(name)
    for layer in network.weighted():
        layer.grid = quantise.fit_grid(layer, stage.get("grid", "power"), stage["size"][layer.name],
                                       stage.get("power_of_two_units", False))
    network.spread_units()
    for portion in stage.get("portions", (0.5, 0.75, 0.875, 1.0)):
        for layer in network.weighted():
            quantise.settle(layer, portion)
        course.train(network, stage, stage["epochs"], f"quantise {portion:.0%}")


def refine_stage(network, stage, course):
    """Straight-through fine-tuning: all weights rounded on the way forward. "keep_best" ends with the epoch that is
    best on the validation part, whose accuracy is then too hopeful a guess for new images."""
    for layer in network.weighted():
        quantise.release(layer)
    course.train(network, stage, stage["epochs"], "refine",
                 keep_best=stage.get("keep_best", False))


STAGES = {"float": float_stage, "prune": prune_stage, "retrain": retrain_stage, "quantise": quantise_stage,
          "refine": refine_stage}
