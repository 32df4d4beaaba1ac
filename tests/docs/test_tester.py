"""The tester of pages finds what it is there to find."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from support import pages


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "page.md"


def write(page: Path, text: str) -> Path:
    page.write_text(dedent(text).lstrip("\n"))
    return page


def test_blocks_share_one_namespace_in_order(page: Path) -> None:
    write(
        page,
        """
        ```python
        a = 1
        ```
        words
        ```python title="more"
        assert a == 1
        open("out.txt", "w").close()
        ```
    """,
    )
    assert pages.run(page) == 2
    assert Path("out.txt").exists()


def test_other_languages_are_left_alone(page: Path) -> None:
    write(
        page,
        """
        ```
        1 / 0
        ```
        ```sh
        exit 1
        ```
        ````markdown
        ```python
        1 / 0
        ```
        ````
        ~~~text
        ```python
        ~~~
    """,
    )
    assert pages.run(page) == 0


@pytest.mark.parametrize("fence", ["```python", "~~~python", "``` python", "```py", "```{.python}"])
def test_every_way_to_mark_python_is_seen(page: Path, fence: str) -> None:
    page.write_text(f"{fence}\n1 / 0\n{fence[:3]}\n")
    with pytest.raises(pages.PageError):
        pages.run(page)


def test_a_failure_names_file_and_line(page: Path) -> None:
    write(
        page,
        """
        # Title

        ```python
        def divide(a):
            return a / 0

        divide(1)
        ```
    """,
    )
    with pytest.raises(pages.PageError, match=r"page\.md:5: ZeroDivisionError") as caught:
        pages.run(page)
    assert "line 7" in str(caught.value)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_failure_in_a_later_block_has_the_line_of_the_page(page: Path) -> None:
    write(
        page,
        """
        ```python
        x = 1
        ```

        ```python
        assert x == 2, "no"
        ```
    """,
    )
    with pytest.raises(pages.PageError, match=r"page\.md:6: AssertionError: no"):
        pages.run(page)


def test_a_syntax_error_is_found_before_anything_of_the_block_runs(page: Path) -> None:
    write(
        page,
        """
        ```python
        open("ran", "w").close()
        x = = 1
        ```
    """,
    )
    with pytest.raises(pages.PageError, match=r"page\.md:3: SyntaxError"):
        pages.run(page)
    assert not Path("ran").exists()


@pytest.mark.parametrize("gap", ["", "\n"])
def test_a_block_marked_not_run_is_compiled_only(page: Path, gap: str) -> None:
    page.write_text(f"<!-- not run: needs a camera -->\n{gap}```python\n1 / 0\n```\n")
    assert pages.run(page) == 0
    assert [block.not_run for block in pages.blocks(page)] == ["needs a camera"]
    page.write_text("<!-- not run: needs a camera -->\n```python\n1 /\n```\n")
    with pytest.raises(pages.PageError, match=r"page\.md:3: SyntaxError"):
        pages.run(page)


def test_not_run_reaches_one_block_only(page: Path) -> None:
    page.write_text("<!-- not run: slow -->\n```python\n1 / 0\n```\n```python\n1 / 0\n```\n")
    with pytest.raises(pages.PageError, match=r"page\.md:6"):
        pages.run(page)


@pytest.mark.parametrize("comment", ["<!-- not run -->", "<!-- not run: -->", "<!-- not-run -->"])
def test_not_run_needs_a_reason(page: Path, comment: str) -> None:
    page.write_text(f"{comment}\n```python\npass\n```\n")
    with pytest.raises(pages.PageError, match="say why"):
        pages.run(page)


def test_a_block_runs_where_what_it_needs_is_installed(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_REQUIRE", raising=False)
    page.write_text("<!-- needs: json, no_such_package -->\n```python\n1 / 0\n```\n")
    assert pages.run(page) == 0
    assert [block.not_run for block in pages.blocks(page)] == ["needs no_such_package"]
    monkeypatch.setenv("HEADRACE_REQUIRE", "no_such_package")
    with pytest.raises(pages.PageError, match="ZeroDivisionError"):
        pages.run(page)
    page.write_text("<!-- needs: json -->\n```python\ndone = 1\n```\n")
    assert pages.run(page) == 1


def test_a_block_inside_a_list_is_dedented(page: Path) -> None:
    page.write_text(
        "1. step\n\n    ```python\n    if True:\n        done = 1\n    ```\n\n```python\nassert done\n```\n"
    )
    assert pages.run(page) == 2


def test_doctests_run_in_the_namespace_of_the_page(page: Path) -> None:
    write(
        page,
        """
        ```python
        a = 20
        ```
        ```python
        >>> b = a + 1
        >>> b
        21
        ```
        ```python
        assert b == 21
        ```
    """,
    )
    assert pages.run(page) == 3


def test_a_doctest_that_fails_names_file_and_line(page: Path) -> None:
    write(
        page,
        """
        ```pycon
        >>> 1 + 1
        2
        >>> 1 + 1
        3
        ```
    """,
    )
    with pytest.raises(pages.PageError, match=r"page\.md:4: a doctest failed"):
        pages.run(page)


def test_a_warning_is_an_error_as_elsewhere(page: Path) -> None:
    page.write_text('```python\nimport warnings\n\nwarnings.warn("old")\n```\n')
    with pytest.raises(pages.PageError, match=r"page\.md:4: UserWarning"):
        pages.run(page)


def test_leaving_the_program_is_a_failure(page: Path) -> None:
    page.write_text("```python\nraise SystemExit(0)\n```\n")
    with pytest.raises(pages.PageError, match="SystemExit"):
        pages.run(page)


def test_an_open_fence_is_a_failure(page: Path) -> None:
    page.write_text("words\n```python\npass\n")
    with pytest.raises(pages.PageError, match=r"page\.md:2: .*never closed"):
        pages.run(page)


def test_functions_of_a_page_pickle_and_show_their_source(page: Path) -> None:
    write(
        page,
        """
        ```python
        import inspect, pickle

        def f(x):
            return x + 1

        assert pickle.loads(pickle.dumps(f)) is f
        assert "x + 1" in inspect.getsource(f)
        ```
    """,
    )
    before = sys.modules["__main__"]
    assert pages.run(page) == 1
    assert sys.modules["__main__"] is before
