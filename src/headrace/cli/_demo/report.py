"""What the demonstration found: as a page, as numbers for a program, and as a verdict."""

from __future__ import annotations

import platform
import shlex
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from headrace import __version__
from headrace.cli._demo import survive
from headrace.cli._demo.figures import draw_items, draw_learning, draw_shares
from headrace.cli._demo.learn import Learnt
from headrace.cli._demo.page import Page
from headrace.cli._demo.shares import Share, by_class
from headrace.cli._demo.survive import Survived

FAR = 6  # standard deviations that a share may be off; with some 75 visits an archive, one run in 100 000 goes beyond


@dataclass(frozen=True)
class Results:
    """All that was found out, in the folder that it was found in."""

    folder: Path
    seed: int
    tree: str
    batch: Any
    learnt: list[Learnt]
    shares: list[list[Share]]
    survived: Survived
    rows_read: list[list[str]]

    @property
    def all_shares(self) -> list[Share]:
        """Those of both data sets."""
        return [share for found in self.shares for share in found]

    @property
    def within(self) -> int:
        """How many archives were drawn as often as asked, to within three standard deviations."""
        return sum(abs(share.off) <= 3 for share in self.all_shares)


def problems(found: Results) -> list[str]:
    """Return what is not as it should be, one sentence each."""
    told = [
        f"{learnt.task.name}: the accuracy is {learnt.accuracy:.3f}, below {learnt.task.floor}."
        for learnt in found.learnt
        if learnt.accuracy < learnt.task.floor
    ]
    told += [
        f"{share.name} was drawn {share.drawn:.2%} of the time, asked for were {share.asked:.2%}: "
        f"{abs(share.off):.1f} standard deviations away."
        for share in found.all_shares
        if abs(share.off) > FAR
    ]
    if found.survived.differing:
        told.append(f"the resumed data set differs in {', '.join(found.survived.differing)}.")
    return told


def numbers(found: Results, seconds: dict[str, float]) -> dict[str, Any]:
    """Return the results as JSON values."""
    return {
        "headrace": __version__,
        "seed": found.seed,
        "learnt": {
            learnt.task.name: {
                "items": learnt.counts.total(),
                "fingerprint": learnt.fingerprint,
                "accuracy": learnt.accuracy,
                "accuracy_from_memory": learnt.plain_accuracy,
                "held_out": len(learnt.task.held_out[1]),
            }
            for learnt in found.learnt
        },
        "archives": {s.name: {"asked": s.asked, "drawn": s.drawn, "sigma": s.sigma} for s in found.all_shares},
        "killed": {
            "parts": found.survived.parts,
            "rows_on_record": found.survived.kept,
            "files": found.survived.files,
            "bytes": found.survived.size,
            "differing": list(found.survived.differing),
        },
        "seconds": {title: round(took, 2) for title, took in seconds.items()},
        "problems": problems(found),
    }


def write_report(found: Results, seconds: dict[str, float]) -> Path:
    """Write the figures and the page; return the page."""
    folder = found.folder
    draw_items(folder / "drawn.svg", found.batch)
    draw_shares(
        folder / "shares.svg",
        [
            (f"{learnt.task.name}: {len(shares)} archives, {learnt.counts.total():,} items", shares)
            for learnt, shares in zip(found.learnt, found.shares, strict=True)
        ],
    )
    draw_learning(folder / "learning.svg", found.learnt)

    page = Page("headrace: the demonstration")
    _summary(page, found)
    _stream(page, found)
    _results(page, found)
    _kill(page, found)
    _again(page, found)
    page.heading("Time and versions")
    page.side_by_side()
    page.table(
        "Seconds per step, up to this page",
        ["step", "s"],
        [[title.partition(":")[0], f"{took:.1f}"] for title, took in seconds.items()],
    )
    page.table("Versions", ["what", "version"], versions())
    page.end()
    page.footer(f"Written by headrace demo, seed {found.seed}. Everything on this page is in this one file.")
    path = folder / "report.html"
    path.write_text(page.text, encoding="utf-8")
    return path


def versions() -> list[list[str]]:
    """Return (name, version) of what took part."""
    packages = ("numpy", "scikit-learn", "matplotlib")
    return [
        ["headrace", __version__],
        ["Python", platform.python_version()],
        *([name, metadata.version(name)] for name in packages),
        ["system", f"{platform.system()} {platform.machine()}"],
    ]


def _summary(page: Page, found: Results) -> None:
    bad = problems(found)
    digits = found.learnt[0]
    page.paragraph(
        "Two small real data sets were cut into archives, drawn as weighted streams, learned from batch by batch, and "
        "written to disk by a run that was killed on the way. This page is what came of it."
    )
    if bad:
        page.paragraph("Not as it should be: " + " ".join(bad), "outcome failed")
    else:
        page.paragraph(
            f"A network that saw only the stream names {digits.accuracy:.1%} of the held-out digits; the resumed data "
            f"set equals the undisturbed one in all {found.survived.size:,} bytes; {found.within} of "
            f"{len(found.all_shares)} archives were drawn within three standard deviations of their weight.",
            "outcome",
        )


def _stream(page: Page, found: Results) -> None:
    page.heading("The stream")
    page.paragraph(
        "Fifty archives, one per digit and group of images that stand together in the file. Twelve are open at a time, each for about eight images; "
        "the digits that are mistaken most are drawn more often. Each image is perturbed with numbers of its own, "
        "then 64 make a batch, in a thread of their own. As headrace describe draws it:"
    )
    page.code(found.tree, "The composition as a tree")
    page.figure(
        found.folder / "drawn.svg",
        "Twenty grey images of handwritten digits of 8 by 8 pixels, noisy: "
        + ", ".join(str(y) for y in found.batch["y"][:20]),
        "The first images of the first batch, moved and noisy as the network saw them, with their labels.",
    )


def _results(page: Page, found: Results) -> None:
    page.heading("What was drawn, and what was learned")
    page.paragraph(
        "The same learner was trained a second time on the same rows held in memory, unperturbed and shuffled, for as "
        "many batches. No held-out row is in any archive."
    )
    head = ["data set", *(learnt.task.name for learnt in found.learnt)]
    rows = {
        "from the stream": [f"{one.accuracy:.3f}" for one in found.learnt],
        "from memory": [f"{one.plain_accuracy:.3f}" for one in found.learnt],
        "standard error": [f"{one.error:.3f}" for one in found.learnt],
        "most frequent class": [f"{one.chance:.3f}" for one in found.learnt],
        "rows held out": [str(len(one.task.held_out[1])) for one in found.learnt],
        "items drawn": [f"{one.counts.total():,}" for one in found.learnt],
    }
    page.table("Accuracy on held-out rows", head, [[name, *cells] for name, cells in rows.items()])
    page.paragraph(
        "A digest of every array drawn, in order, which the same seed gives again however often this is run: "
        + ", ".join(f"{one.fingerprint} for {one.task.name}" for one in found.learnt)
        + "."
    )
    worst = max(found.all_shares, key=lambda share: abs(share.off))
    page.side_by_side()
    page.figure(
        found.folder / "shares.svg",
        f"For each of {len(found.all_shares)} archives, the share of items drawn as a dot over the share asked for as "
        f"a line with whiskers of three standard deviations; {found.within} dots are within their whiskers. The "
        f"furthest, {worst.name}, is {abs(worst.off):.1f} standard deviations away.",
        f"Drawn against asked for, archive by archive. {found.within} of {len(found.all_shares)} lie within three "
        "standard deviations, which allow for items coming in visits of about eight.",
    )
    page.figure(
        found.folder / "learning.svg",
        "Accuracy on held-out rows against items seen, rising for both learners. At the end: "
        + "; ".join(
            f"{learnt.task.name} {learnt.accuracy:.3f} from the stream, {learnt.plain_accuracy:.3f} from memory"
            for learnt in found.learnt
        )
        + ".",
        "Accuracy on held-out rows while learning. The stream is perturbed and weighted, so it may begin slower.",
    )
    page.end()
    page.side_by_side()
    for learnt, shares in zip(found.learnt, found.shares, strict=True):
        page.table(
            f"Shares of each class, {learnt.task.name}",
            ["class", "asked for", "drawn"],
            [[name, f"{asked:.2%}", f"{drawn:.2%}"] for name, asked, drawn in by_class(shares)],
        )
    page.end()


def _kill(page: Page, found: Results) -> None:
    one = found.survived
    page.heading("Killed half way, and resumed")
    page.paragraph(
        f"The stream was written to a labelled data set by headrace run, which was killed with SIGKILL when "
        f"{one.parts} of {survive.PARTS} parts were on disk. {one.kept:,} rows were on record then; it was resumed from "
        f"there, and compared with a run that nothing disturbed."
    )
    equal = "all equal" if not one.differing else f"not equal: {', '.join(one.differing)}"
    page.table(
        "File for file, byte for byte (all but the record of where to go on)",
        ["files compared", "bytes", "result"],
        [[str(one.files), f"{one.size:,}", equal]],
    )
    page.table("Its first rows, read back", ["row", "X", "y", "archive"], found.rows_read)


def _again(page: Page, found: Results) -> None:
    page.heading("Do it again")
    page.paragraph("From the folder that headrace demo was called in; digits.py is short, and yours to read.")
    page.code("\n".join(commands(found.folder, found.seed)), "Commands")


def commands(folder: Path, seed: int) -> list[str]:
    """Return the commands that do it again."""
    return [
        shlex.join(["headrace", "demo", "--out", str(folder), "--seed", str(seed)]),
        shlex.join(["headrace", "describe", f"{folder / 'digits.py'}:stream"]),
        shlex.join(["headrace", "peek", f"{folder / 'digits.py'}:stream", "--seed", str(seed)]),
        survive.shown(survive.command(folder, "mine", seed)),
        "# after Ctrl-C, or a kill:",
        survive.shown(survive.command(folder, "mine", seed, "--resume")),
    ]
