"""``headrace demo``: real data cut into archives, streamed, learned from, killed, resumed and reported."""

from __future__ import annotations

import signal
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.cli._demo.learn import Learnt
    from headrace.cli._demo.shares import Share
    from headrace.cli._demo.story import Story
    from headrace.cli._demo.survive import Survived

NEEDS = ("sklearn", "matplotlib")


def arguments(parser: ArgumentParser) -> None:
    """Say what the command line may hold."""
    parser.add_argument("--out", default="headrace-demo", metavar="DIR", help="folder to write (default headrace-demo)")
    parser.add_argument("--seed", type=int, default=7, metavar="S", help="seed of everything drawn (default 7)")
    parser.add_argument("--open", action="store_true", help="show the report in a browser at the end")


def main(args: Namespace) -> int:
    """Run the demonstration; 1 when something is not as it should be."""
    from headrace.core.optional import optional

    for module in NEEDS:
        optional(module, "demo", "headrace demo")
    with _stopped_by_sigterm():
        return _run(Path(args.out), args.seed, show=args.open)


def _run(folder: Path, seed: int, *, show: bool) -> int:
    import json

    from headrace.cli import tell
    from headrace.cli._demo.folder import MARK, claim
    from headrace.cli._demo.report import Results, numbers, problems, write_report
    from headrace.cli._demo.shares import mux_of, shares
    from headrace.cli._demo.story import Story

    claim(folder)
    print(f"headrace demo, seed {seed}: everything is written to {folder}. It takes about half a minute.")
    story = Story(6)
    digits, cancer = _archives(story, folder)
    tree, batch = _stream(story, digits, seed)
    learnt = _learning(story, digits, cancer, seed)
    survived, rows_read = _survival(story, folder, seed)
    found = Results(
        folder,
        seed,
        tree,
        batch,
        learnt,
        [shares(mux_of(one.task.stream), one.counts) for one in learnt],
        survived,
        rows_read,
    )
    with story.step("Drawn as often as asked?"):
        _tell_shares(story, found.shares, found.within)
    with story.step("Report"):
        report = write_report(found, story.seconds)
        story.tell(f"{report}: one page, open it in any browser")
    told = numbers(found, story.seconds)
    (folder / MARK).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    bad = problems(found)
    print(f"\n{sum(story.seconds.values()):.0f} s in all. " + ("" if bad else "Everything is as it should be."))
    if bad:
        tell("not as it should be:\n  " + "\n  ".join(bad))
    if show:
        import webbrowser

        webbrowser.open(report.resolve().as_uri())
    return 1 if bad else 0


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Leave by an exception on SIGTERM, as on Ctrl-C, so that the run that is under way is ended too."""

    def leave(*_: Any) -> None:
        raise SystemExit(143)

    try:
        before = signal.signal(signal.SIGTERM, leave)
    except ValueError:  # not in the main thread: whoever is there has its own way
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _archives(story: Story, folder: Path) -> tuple[Any, Any]:
    from headrace.cli._demo.folder import load

    with story.step("Archives: real data, cut up the way recordings come"):
        modules = load(folder / "digits.py"), load(folder / "cancer.py")
        for module, what in zip(
            modules, ("images of handwritten digits", "tumours, 30 measurements each"), strict=True
        ):
            module.write_archives()
            import numpy as np

            archives = sorted(module.FOLDER.glob("*-group*.npz"))
            with np.load(module.FOLDER / "held-out.npz") as archive:
                held_out = len(archive["y"])
            rows = sum(len(np.load(path)["X"]) for path in archives)
            story.tell(f"{rows:5} {what} -> {len(archives)} archives; {held_out} more are held out for scoring")
    return modules


def _stream(story: Story, digits: Any, seed: int) -> tuple[str, Any]:
    from headrace.core import describe

    with story.step("A stream: a recipe, which opens nothing until something is drawn"):
        stream = digits.stream.seeded(seed)
        tree = str(describe(stream, members=3))
        story.tell(tree)
        with stream.open() as cursor:
            batch = next(cursor)
        story.tell("\nThe first batch:")
        for name, column in batch.items():
            story.tell(f"  {name:8} {column.dtype!s:8} {column.shape}")
    return tree, batch


def _learning(story: Story, digits: Any, cancer: Any, seed: int) -> list[Learnt]:
    from headrace.cli._demo.learn import BATCH, cancer_task, digits_task, learn
    from headrace.cli._demo.story import table

    with story.step("Learning by partial_fit, batch by batch"):
        found = [learn(task) for task in (digits_task(digits, seed), cancer_task(cancer, seed))]
        rows: list[tuple[str, ...]] = [("held-out accuracy", *(one.task.name for one in found))]
        rows.append(("  from the stream", *(f"{one.accuracy:.3f}" for one in found)))
        rows.append(("  same learner, from memory", *(f"{one.plain_accuracy:.3f}" for one in found)))
        rows.append(("  most frequent class", *(f"{one.chance:.3f}" for one in found)))
        rows.append(("  standard error", *(f"{one.error:.3f}" for one in found)))
        rows.append(("items drawn", *(f"{one.task.batches * BATCH:,}" for one in found)))
        rows.append(("fingerprint of all of them", *(one.fingerprint for one in found)))
        story.tell(table(rows))
        story.tell(f"Seed {seed} draws these items every time.")
    return found


def _survival(story: Story, folder: Path, seed: int) -> tuple[Survived, list[list[str]]]:
    from headrace.cli._demo.survive import PARTS, command, compare, killed_half_way, shown, write
    from headrace.store import read

    with story.step("Written to a data set: killed half way, resumed, compared"):
        words = command(folder, "killed", seed)
        story.tell(f"$ {shown(words)}")
        parts, kept = killed_half_way(folder, seed)
        story.tell(f"killed (SIGKILL) with {parts} of {PARTS} parts on disk, {kept:,} rows on record")
        story.tell(f"$ {shown([*words, '--resume'])}")
        write([*words, "--resume"])
        write(command(folder, "whole", seed))
        survived = compare(folder, parts, kept)
        told = f"equal: {survived.files} files, {survived.size:,} bytes"
        if survived.differing:
            told = f"NOT equal: {', '.join(survived.differing)}"
        story.tell(f"resumed and complete; against a run that nothing disturbed: {told}")
        data = read(folder / "killed")
        story.tell(f"read back: {len(data):,} rows of " + ", ".join(data.fields))
        rows = [
            [str(k), f"{item['X'].dtype} {item['X'].shape}", str(item["y"]), str(item["archive"])]
            for k, item in ((k, data[k]) for k in range(4))
        ]
        for k, X, y, archive in rows:
            story.tell(f"  row {k}: X {X}, y {y}, archive {archive}")
    return survived, rows


def _tell_shares(story: Story, found: list[list[Share]], within: int) -> None:
    from headrace.cli._demo.shares import by_class
    from headrace.cli._demo.story import table

    rows: list[tuple[str, ...]] = [("", "asked", "drawn")]
    rows += [(name, f"{asked:.2%}", f"{drawn:.2%}") for one in found for name, asked, drawn in by_class(one)]
    story.tell(table(rows))
    story.tell(f"archive by archive, {within} of {sum(map(len, found))} are within three standard deviations")
