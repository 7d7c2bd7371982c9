"""What makes pages light: native formulas, the icons that are used, figures of few colors."""

import sys
from pathlib import Path

import numpy as np
import pytest
from docutils import nodes
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book" / "_ext"))
import light_site
import native_math


def test_a_formula_is_mathml_and_keeps_its_tex() -> None:
    written = native_math.as_mathml(r"\hat r_{ui} < 5", nodes.math(), display=False)
    assert written.startswith("<math>")
    assert r"\hat r_{ui} &lt; 5</annotation>" in written


def test_a_formula_that_cannot_be_converted_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[object, ...]] = []
    monkeypatch.setattr(native_math.logger, "warning", lambda *words, **_: said.append(words))
    assert native_math.as_mathml(r"\nosuch{x}", nodes.math(), display=True) == ""
    assert "nosuch" in str(said[0][1])


def test_the_font_holds_the_signs_that_are_shown_and_no_others() -> None:
    page = (
        "A <math><semantics><mi>x</mi><mo>&lt;</mo><mi>h</mi><mi>λ</mi><annotation>Z</annotation>"
    )
    assert native_math.signs_of(f"{page}</semantics></math> Q") == {*"x𝑥<hℎλ𝜆"}


@pytest.mark.parametrize("tex", [r"\sqrt{x}", r"\sqrt[3]{x}"])
def test_the_sign_of_a_root_is_a_sign_too(tex: str) -> None:
    page = native_math.as_mathml(tex, nodes.math(), display=False)
    assert "√" in native_math.signs_of(page)
    assert "√" not in native_math.signs_of("<math><mi>x</mi></math>")


def test_the_script_and_the_call_for_all_icons_leave_the_page(tmp_path: Path) -> None:
    kept = '<link href="_static/vendor/fontawesome/6.5.2/css/all.min.css" rel="stylesheet" />\n'
    page = tmp_path / "page.html"
    page.write_text(
        kept + '<link rel="preload" as="font" href="_static/vendor/fontawesome/a.woff2" />\n'
        '<script src="_static/vendor/fontawesome/6.5.2/js/all.min.js?digest=1"></script>\n<p>'
    )
    light_site.without_icon_script([page])
    assert page.read_text() == f"{kept}<p>"


def test_icons_are_found_by_name_and_in_styles(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<i class="fa-solid fa-bars">')
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "a.css").write_text('a { content: "\\f107" } b { content: "\uf058" }')
    found = light_site.used_icons(tmp_path, [page])
    assert found == {"fa-solid", "fa-bars", "\uf107", "\uf058"}


def test_a_figure_gets_few_colors_and_looks_the_same(tmp_path: Path) -> None:
    shades = np.random.default_rng(42).uniform(0, 255, (200, 300))
    many = np.stack([shades, shades / 2 + 40, (255 - shades) ** 2 / 255], axis=2).astype(np.uint8)
    figure = tmp_path / "figure.png"
    Image.fromarray(many).save(figure)
    before = figure.stat().st_size
    light_site.fewer_colors(figure)
    assert figure.stat().st_size < before
    after = np.asarray(Image.open(figure).convert("RGB"), dtype=int)
    assert np.abs(after - many).max() <= 8


def test_a_figure_that_one_sees_through_stays_as_it_is(tmp_path: Path) -> None:
    figure = tmp_path / "figure.png"
    Image.new("RGBA", (30, 30), (10, 20, 30, 128)).save(figure)
    before = figure.read_bytes()
    light_site.fewer_colors(figure)
    assert figure.read_bytes() == before
