"""Discord's markdown on the page: each text, and the elements that it becomes, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

if TYPE_CHECKING:
    from tests.localdiscord.conftest import Pages

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]

LINK = '<a target="_blank" rel="noopener noreferrer" href="{0}">{1}</a>'

CASES = {
    "plain": "<p>plain</p>",
    "two\nlines": "<p>two\nlines</p>",
    "**bold** *it* _it_ __under__ ~~struck~~": (
        "<p><strong>bold</strong> <em>it</em> <em>it</em> <u>under</u> <s>struck</s></p>"
    ),
    "***both*** **a *b* c**": "<p><em><strong>both</strong></em> <strong>a <em>b</em> c</strong></p>",
    "snake_case_name 2 * 3 * 4": "<p>snake_case_name 2 * 3 * 4</p>",
    r"\*no\* ai\_scripted \\ C:\path": r"<p>*no* ai_scripted \ C:\path</p>",
    "`code *x*` ``a ` b``": "<p><code>code *x*</code> <code>a ` b</code></p>",
    "a\n```py\nx = 1\n```\nb": '<p>a</p><pre><code data-language="py">x = 1</code></pre><p>b</p>',
    "```one line```": "<pre><code>one line</code></pre>",
    "> quoted\n> more\nnot": "<blockquote><p>quoted\nmore</p></blockquote><p>not</p>",
    ">>> all\nof it": "<blockquote><p>all\nof it</p></blockquote>",
    "- a\n- b\n  - c\n1. d": "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul><ol><li>d</li></ol>",
    "3. three\n4. four": '<ol start="3"><li>three</li><li>four</li></ol>',
    "# One\n### Three\n#no\n#### no": (
        '<div class="heading heading-1" aria-level="3">One</div>'
        '<div class="heading heading-3" aria-level="5">Three</div>'
        "<p>#no\n#### no</p>"
    ),
    "-# small **print**": '<p class="subtext">small <strong>print</strong></p>',
    "https://example.com/a_b_c.": "<p>"
    + LINK.format("https://example.com/a_b_c", "https://example.com/a_b_c")
    + ".</p>",
    "(https://example.com/x)": "<p>(" + LINK.format("https://example.com/x", "https://example.com/x") + ")</p>",
    "<https://example.com>": "<p>" + LINK.format("https://example.com/", "https://example.com") + "</p>",
    "[a **b**](https://example.com)": ("<p>" + LINK.format("https://example.com/", "a <strong>b</strong>") + "</p>"),
    "[x](javascript:alert(1))": "<p>[x](javascript:alert(1))</p>",
    "@everyone @here me@everyone.example": (
        '<p><span class="mention">@everyone</span> <span class="mention">@here</span> '
        'me<span class="mention">@everyone</span>.example</p>'
    ),
    "<@123456> <@&123456> <#123456>": (
        '<p><span data-person="123456" class="mention">@unknown person</span> '
        '<span class="mention">@unknown role</span> <span class="mention">#unknown</span></p>'
    ),
    "</poll start:123456>": '<p><span class="mention">/poll start</span></p>',
    "<:party:123456789>": (
        '<p><img class="emoji" alt=":party:" title=":party:" loading="lazy" src="/emojis/123456789.webp"></p>'
    ),
    "<t:99999999999999:F>": "<p>&lt;t:99999999999999:F&gt;</p>",
    "** not bold ** a*b": "<p><strong> not bold </strong> a*b</p>",
    "||": "<p>||</p>",
    "<b>&amp;": "<p>&lt;b&gt;&amp;amp;</p>",
}

RENDER = """async texts => {
  const {markdown} = await import("/web/markdown.js");
  const plain = element => {
    for (const each of element.querySelectorAll("*")) {
      for (const name of ["role", "tabindex"]) each.removeAttribute(name);
      if (!each.className.trim()) each.removeAttribute("class"); else each.className = each.className.trim();
      if (each.getAttribute("start") === "1") each.removeAttribute("start");
      const sorted = [...each.attributes].map(attribute => [attribute.name, attribute.value]);
      const order = ["class", "aria-level", "target", "rel", "alt", "title", "loading", "src", "href"];
      sorted.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
      for (const [name] of sorted) each.removeAttribute(name);
      for (const [name, value] of sorted) each.setAttribute(name, value);
    }
    return element.innerHTML;
  };
  return texts.map(text => {
    const element = document.createElement("div");
    element.append(...markdown(text));
    return plain(element);
  });
}"""


async def test_each_text_becomes_its_elements(pages: Pages) -> None:
    """Every kind of markup is read as Discord reads it, and what is none stays text."""
    page = await pages.door()
    rendered = await page.evaluate(RENDER, list(CASES))
    assert dict(zip(CASES, rendered, strict=True)) == CASES
    pages.troubles[:] = [trouble for trouble in pages.troubles if "404" not in trouble]  # the emoji is nowhere


async def test_moments_are_written_in_each_style(pages: Pages) -> None:
    """A timestamp is written in the style that it asks for, and says more when one points at it."""
    page = await pages.door()
    texts = [f"<t:1700000000:{style}>" for style in "tTdDfFsSR"] + ["<t:1700000000>"]
    rendered = await page.evaluate(RENDER, texts)
    assert all('datetime="2023-11-14T22:13:20.000Z"' in each for each in rendered)
    assert "years ago" in rendered[8]
    assert "14 November 2023" in rendered[9]


async def test_reading_hostile_text_takes_no_time(pages: Pages) -> None:
    """Text made to be read slowly is read in a moment."""
    page = await pages.door()
    hostile = ["*" * 2000, "[" * 2000, "||" * 1000, "**__" * 500, "> " * 1000, "`" * 1999, "_a" * 1000, "~~*" * 660]
    timed = f"async texts => {{ const t = performance.now(); await ({RENDER})(texts); return performance.now() - t; }}"
    assert await page.evaluate(timed, hostile) < 5000
