"""What a tree refuses by name: nodes that are none, names that clash, lengths it does not have, pickles that would not load."""

from __future__ import annotations

import copy
import pickle
from functools import partial
from typing import Any

import cloudpickle
import numpy as np
import pytest

import headrace as hr
from headrace.errors import HeadraceWarning, ResumeError
from headrace.trees import BranchingNode, ClassLabelNode, Parameter, SamplingTree, TransformNode, batched
from support.require import require

OWN = np.random.default_rng(1)


def drawn(_: Any) -> float:
    return float(OWN.random())


def zero(_: Any) -> float:
    return 0.0


def shifted(x: Any, by: float) -> Any:
    return x + by


def yields(x: Any) -> Any:
    yield x


async def later(x: Any) -> Any:
    yield x


class Yielding:
    __name__ = "yielding"

    def __call__(self, x: Any) -> Any:
        yield x


# --- nodes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [yields, later, partial(yields), batched(yields), Yielding()])
def test_generator_functions_are_no_nodes(function: Any) -> None:
    with pytest.raises(hr.StreamConfigError, match=r"generator function(.|\n)*return in place of yield"):
        SamplingTree([zero, function])
    with pytest.raises(hr.StreamConfigError, match="generator function"):
        TransformNode(function)
    tree = SamplingTree([TransformNode(zero, name="n")])
    node = tree.nodes[0]
    assert isinstance(node, TransformNode)
    node.transform = function
    with pytest.raises(hr.StreamConfigError, match=r"node 'n' got .* generator function"):
        tree.sample()


@pytest.mark.parametrize("place", [lambda t: [t, abs], lambda t: [abs, {"a": t, "b": "b"}], lambda t: t])
def test_a_tree_is_no_node_and_its_nodes_can_be_taken(place: Any) -> None:
    inner = SamplingTree([zero, shifted], {"by": 1.0})
    with pytest.raises(hr.StreamConfigError, match=r"got the tree SamplingTree(.|\n)*\[\*tree.nodes, ...\]"):
        SamplingTree(place(inner))
    with pytest.raises(hr.StreamConfigError, match="got the tree"):
        TransformNode(inner, name="inner")
    outer = SamplingTree([*inner.nodes, "a"], {"by": 2.0})
    assert (outer.sample(), inner.sample()) == ((2.0, "a"), 1.0)


def test_a_stream_is_no_node() -> None:
    with pytest.raises(hr.StreamConfigError, match=r"got the stream(.|\n)*hr.mix"):
        SamplingTree([hr.source([1, 2, 3]), abs])


def test_probabilities_in_two_places_are_refused() -> None:
    nodes = [zero, {"name": "coin", "a": "a", "b": "b", "probs": [1.0, 0.0]}]
    with pytest.raises(hr.StreamConfigError, match=r"'coin' got probs twice, beside its branches and as 'coin.p'"):
        SamplingTree(nodes, {"coin": {"p": [0.0, 1.0]}})
    with pytest.warns(HeadraceWarning, match="those given beside its branches are used"):
        tree = SamplingTree(nodes, {"coin": {"p": [0.0, 1.0]}}, strict=False)
    assert tree.sample() == (0.0, "a")
    with pytest.raises(hr.StreamConfigError, match=r"'shifted' got params twice, to the TransformNode itself"):
        SamplingTree([zero, TransformNode(shifted, Parameter("by", 1))], {"shifted": {"by": 2}})


def test_a_name_with_a_dot_is_refused_where_it_parts_names_of_parameters() -> None:
    with pytest.raises(hr.StreamConfigError, match=r"node 'a.b' got a name with a dot(.|\n)*'a_b'"):
        SamplingTree([zero, TransformNode(shifted, name="a.b")], {"by": 1.0})
    with pytest.raises(hr.StreamConfigError, match=r"node 'v1.5' got a name with a dot"):
        SamplingTree([zero, BranchingNode({"x": "x", "y": "y"}, [0.5, 0.5], name="v1.5")])
    tree = SamplingTree([zero, TransformNode(abs, name="a.b"), {"name": "v1.5", "1.0": "v1.0", "2.0": "v2.0"}])
    assert tree.explain(0)["path"] == {"v1.5": tree.sample()[1].removeprefix("v")}


# --- numbers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["collect", "read", "skip", "seek"])
def test_numbers_of_samples_are_integers(act: str) -> None:
    tree = SamplingTree([zero])
    for wrong in (3.0, 3.5, "3", True, np.float64(3), None):
        with pytest.raises(hr.StreamConfigError, match=r"wanted a whole number of samples"):
            getattr(tree, act)(wrong)
    assert tree.position == 0
    getattr(tree, act)(np.uint8(3))
    assert tree.position == 3
    with pytest.raises(hr.StreamConfigError, match=r"Write 3\."):
        getattr(tree, act)(3.0)


def test_a_tree_has_no_length_and_says_what_to_do() -> None:
    tree = SamplingTree([zero, "a"])
    with pytest.raises(TypeError, match=r"hr.bridges.torch.loader\(tree \| hr.batch\(32\)\)"):
        len(tree)
    assert tree


def test_a_loader_over_a_tree_says_what_to_do() -> None:
    data = require("torch.utils.data")
    with pytest.raises(TypeError, match=r"hr.bridges.torch.loader"):
        next(iter(data.DataLoader(SamplingTree([zero, "a"]))))


# --- generators of the functions' own ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (lambda tree: tree[0], hr.AddressError),
        (lambda tree: tree[0:3], hr.AddressError),
        (lambda tree: tree.block(None, 0, 3), hr.AddressError),
        (lambda tree: tree.rebuild(tree.explain(0)), hr.AddressError),
        (lambda tree: tree.shard(0, 2), hr.StreamConfigError),
        (lambda tree: (tree | hr.batch(2)).shard(0, 2), hr.StreamConfigError),
        (lambda tree: tree.open().state(), ResumeError),
    ],
)
def test_a_tree_that_cannot_be_replayed_names_the_node_and_the_generator(ask: Any, kind: Any) -> None:
    tree = SamplingTree([TransformNode(drawn, name="noise"), "a"])
    with pytest.raises(kind, match=r"node noise draws from the generator 'OWN' of its module(.|\n)*a parameter rng"):
        ask(tree)
    assert tree.read(3)[0].shape == (3,)


def test_a_loader_of_such_a_tree_names_them_too() -> None:
    require("torch")
    with pytest.raises(hr.StreamConfigError, match=r"node drawn draws from the generator 'OWN'(.|\n)*a parameter rng"):
        next(iter(hr.bridges.torch.loader(SamplingTree([drawn, "a"]) | hr.batch(2), num_workers=2)))


# --- pickles ----------------------------------------------------------------------------------------


def labelled(value: Any, label: Any) -> Any:
    return value, label


def test_a_pickle_names_the_node_whose_function_it_cannot_take() -> None:
    inner = lambda x: x + 1.0  # noqa: E731  # what it is about
    odd: list[tuple[list[Any], Any, str]] = [
        ([zero, TransformNode(inner, name="lift")], None, "node 'lift'"),
        ([zero, partial(batched(inner))], None, "node '<lambda>'"),
        ([zero, ClassLabelNode("a", lambda value, label: value)], None, "node 'label=a'"),
        ([zero], lambda column: column, "collate_func"),
    ]
    for nodes, collate_func, told in odd:
        tree = SamplingTree(nodes, collate_func=collate_func)
        with pytest.raises(pickle.PicklingError, match=rf"{told} has the function .*<lambda>(.|\n)*cloudpickle"):
            pickle.dumps(tree)
        assert copy.deepcopy(tree).sample() == copy.copy(tree).sample() == tree[0]
        assert pickle.loads(cloudpickle.dumps(tree)).sample() == tree[0]
    tree = SamplingTree([zero, partial(shifted, by=1.0), ClassLabelNode("a", labelled)], collate_func=np.array)
    assert pickle.loads(pickle.dumps(tree)).sample() == (1.0, "a")
