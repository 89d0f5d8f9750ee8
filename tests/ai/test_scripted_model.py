"""The scripted model: pleasant, honest, and with a memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.cogs.ai.chat import ChatMessage, ChatRequest, Role
from reference.cogs.ai.script import CommandHelp, language_in, quoted
from reference.cogs.ai.scripted_model import ScriptedModel
from reference.utils.localization import get_message

COMMANDS = {
    "en": [
        CommandHelp("/play", "Play music from a link or a search"),
        CommandHelp("/remind me", "Set a reminder", "</remind me:7>"),
        *(CommandHelp(f"/other {number}", "Something else") for number in range(20)),
    ],
    "th": [CommandHelp("/เล่น", "เล่น เพลง"), CommandHelp("/เตือน", "เตือน ความจำ")],
}


async def converse(*said: str, author: str = "Mali", language: str = "en", commands: bool = True) -> str:
    """Say things one after the other, and return the answer to the last."""
    model = ScriptedModel(get_message, COMMANDS.__getitem__ if commands else lambda _language: ())
    messages = [ChatMessage(Role.SYSTEM, "Be brief.")]
    text = ""
    for words in said:
        messages.append(ChatMessage(Role.USER, words, author))
        pieces: list[str] = []
        await model.answer(ChatRequest(messages, 500, language=language), pieces.append)
        text = "".join(pieces)
        messages.append(ChatMessage(Role.ASSISTANT, text))
    await model.close()
    return text


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (["hello"], "Hello, Mali!"),
        (["สวัสดีครับ"], "สวัสดี Mali!"),
        (["hi", "hi"], "Hello again, Mali"),
        (["what is my name?"], "Your name is Mali"),
        (["my name is Ploy", "what's my name"], "Your name is Ploy"),
        (["ฉันชื่อปลอย", "ฉันชื่ออะไร"], "คุณชื่อ ปลอย"),
        (["remember that the cake is at five", "ok", "what do you remember?"], "- the cake is at five"),
        (["จำไว้ว่าเค้กอยู่ในตู้", "จำอะไรได้บ้าง"], "- เค้กอยู่ในตู้"),
        (["I like tea", "what did I say?"], "1 thing to me in this channel: “I like tea”"),
        (["one", "two", "what did I say?"], "2 things to me"),
        (["what did I say?"], "nothing to remember yet"),
        (["are you an AI?"], "a scripted model, not an AI"),
        (["คุณคือใคร"], "ไม่ใช่ AI"),
        (["how are you"], "And how are you?"),
        (["thank you"], "welcome"),
        (["ขอบคุณนะ"], "ยินดี"),
        (["good night"], "Goodbye"),
        (["tell me a joke"], "bar"),
        (["x", "a joke please"], "UDP"),
        (["I had rice"], "You said: “I had rice”"),
        (["a", "b"], "“b” it is, then. A moment ago it was “a”."),
        (["a", "b", "c"], "I have written that down: “c”"),
        (["why is the sky blue?"], "a question for a real model"),
        (["ทำไมฟ้าสีฟ้า"], "เป็นคำถามสำหรับโมเดลจริง"),
        (["  "], "You said nothing"),
    ],
)
async def test_it_answers_what_it_was_asked(said: list[str], answer: str) -> None:
    """Greetings, names, facts, jokes and the rest have an answer in the language of the question."""
    assert answer in await converse(*said)


async def test_it_explains_the_commands() -> None:
    """Help lists the commands, those first that the question is about; a question in other words finds them too."""
    everything = await converse("help")
    assert "**/play**: Play music" in everything
    assert everything.endswith("- …")
    about_music = await converse("help me play music please")
    assert "/play" in about_music
    assert "/remind" not in about_music
    about_both = await converse("help me play music from a link in a reminder")
    assert "/remind" not in about_both, "one word in common is little where another command shares five"
    assert "</remind me:7>" in await converse("how do I set a reminder?")
    assert "/เล่น" in await converse("อยากฟังเพลง")
    assert "Type `/`" in await converse("help", commands=False)
    assert "question for a real model" in await converse("how do they play?", commands=False)


async def test_it_answers_people_without_a_name() -> None:
    """Where nobody knows who speaks, nobody is named."""
    assert (await converse("hello", author="")).startswith("Hello! Say")
    assert "not told me your name" in await converse("what is my name?", author="")


async def test_what_has_no_letters_is_answered_in_the_readers_language() -> None:
    """A smile is answered in Thai to somebody who reads Thai."""
    assert "คุณบอกว่า" in await converse(":)", language="th")
    assert "You said" in await converse(":)", language="en")
    assert language_in("ok ครับ", "en") == "th"


async def test_an_answer_is_within_its_limit() -> None:
    """The limit of tokens cuts the script off too, and it says so."""
    pieces: list[str] = []
    request = ChatRequest([ChatMessage(Role.USER, "who are you?")], 5)
    completion = await ScriptedModel(get_message).answer(request, pieces.append)
    assert completion.reason == "length"
    assert "".join(pieces) == "I am a scripted mode"


async def test_nothing_asked_is_answered() -> None:
    """A request without any question has an answer."""
    pieces: list[str] = []
    await ScriptedModel(get_message).answer(ChatRequest([], 50), pieces.append)
    assert "".join(pieces).startswith("You said nothing")


@given(st.text(max_size=400))
def test_quoted_words_are_one_line_without_code(text: str) -> None:
    """Whatever a person says, its repetition is short, has one line and formats nothing as code."""
    line = quoted(text)
    assert len(line) <= 160
    assert not {"\n", "`"} & set(line)
