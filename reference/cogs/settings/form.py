"""The form: a message with pages of menus and buttons that shows what a guild chose, and outlives restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from pydantic import ValidationError

from reference.cogs.moderation.policy import FILTERS, Escalation, Filter, Policy, Response
from reference.errors import Refused
from reference.guilds import DEFAULTS, Feature
from reference.utils.localization import Language, get_message
from reference.views import View

from .choices import FIELDS, LANGUAGES, Page, check_prefix
from .document import Chosen
from .parts import Ask, ChannelMenu, Menu, Press, RoleMenu, require_manager

if TYPE_CHECKING:
    from .panel import Panel

__all__ = ["Form"]

AUTO = "auto"
"""Stands for the language of each reader."""

LISTS = frozenset({Filter.WORDS, Filter.LINKS, Filter.ATTACHMENTS})
"""The filters that have a list."""


class Form(View):
    """A page of the form.

    Args:
        panel: saves what is chosen, and draws the page anew.
        page: which.
        chosen: what the guild chose; None for a page that only answers, after a restart.
        language: of the labels.
    """

    def __init__(
        self, panel: Panel, page: Page, chosen: Chosen | None = None, language: Language = Language.ENGLISH
    ) -> None:
        super().__init__(timeout=None)
        self.panel = panel
        self.page = page
        self.chosen = chosen or Chosen({})
        self.language = language
        pages = [(each.value, self._text(f"page.{each}"), each is page) for each in Page]
        self.add_item(Menu("page", self._text("page"), pages, self._turn, row=0))
        BUILD[page](self)

    def _text(self, key: str, **values: Any) -> str:
        return get_message(f"settings.{key}", self.language, **values)

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Admit those who manage the server."""
        await super().interaction_check(interaction)
        require_manager(interaction)
        return True

    async def _turn(self, interaction: discord.Interaction, values: list[str]) -> None:
        await self.panel.show(interaction, Page(values[0]))

    async def _save(self, interaction: discord.Interaction, **settings: Any) -> None:
        async with self.panel.changing(interaction, self.page) as guild:
            await self.panel.keeping.save(guild, interaction.user, **settings)

    # General

    def _general(self) -> None:
        chosen = self.chosen.settings.get("language")
        languages = [(AUTO, self._text("language_auto"), chosen is None)]
        languages += [(each.value, LANGUAGES[each], each == chosen) for each in Language]
        self.add_item(Menu("language", self._text("field.language"), languages, self._language, row=1))
        self.add_item(Press("prefix", self._text("button.prefix"), self._ask_prefix, row=2))
        self.add_item(Press("export", self._text("button.export"), self.panel.export, row=2))
        danger = discord.ButtonStyle.danger
        self.add_item(Press("reset", self._text("button.reset"), self.panel.ask_reset, row=2, style=danger))

    async def _language(self, interaction: discord.Interaction, values: list[str]) -> None:
        await self._save(interaction, language=None if values[0] == AUTO else values[0])

    async def _ask_prefix(self, interaction: discord.Interaction) -> None:
        now = await self.panel.chosen(interaction)
        questions = [("prefix", self._text("field.prefix"), now.settings.get("prefix") or "")]
        await interaction.response.send_modal(Ask(self._text("button.prefix"), questions, self._prefix))

    async def _prefix(self, interaction: discord.Interaction, answers: dict[str, str]) -> None:
        await self._save(interaction, prefix=check_prefix(answers["prefix"]) if answers["prefix"] else None)

    # Channels

    def _channels(self) -> None:
        fields = [name for name, field in FIELDS.items() if field.page is Page.CHANNELS]
        for row, name in enumerate(fields, 1):

            async def then(interaction: discord.Interaction, values: list[int], name: str = name) -> None:
                await self._save(interaction, **{name: values[0] if values else None})

            now = self.chosen.settings.get(name)
            self.add_item(ChannelMenu(name, self._text(f"field.{name}"), now, then, row=row))

    # Music

    def _music(self) -> None:
        role = self.chosen.settings.get("dj_role_id")
        self.add_item(RoleMenu("dj_role_id", self._text("field.dj_role_id"), role, self._dj, row=1))
        self.add_item(Press("music", self._text("button.music"), self._ask_music, row=2))
        stays = bool(self.chosen.settings.get("mode_247"))
        label = self._text("button.leave" if stays else "button.stay")
        self.add_item(Press("mode_247", label, self._stay, row=2))

    async def _dj(self, interaction: discord.Interaction, values: list[int]) -> None:
        await self._save(interaction, dj_role_id=values[0] if values else None)

    async def _stay(self, interaction: discord.Interaction) -> None:
        now = await self.panel.chosen(interaction)
        await self._save(interaction, mode_247=not now.settings.get("mode_247"))

    async def _ask_music(self, interaction: discord.Interaction) -> None:
        settings = (await self.panel.chosen(interaction)).settings
        volume, delay = settings.get("music_volume"), settings.get("auto_disconnect_delay")
        questions = [
            ("volume", self._text("ask.volume"), "" if volume is None else str(round(volume * 100))),
            ("delay", self._text("ask.delay"), "" if delay is None else str(delay)),
        ]
        await interaction.response.send_modal(Ask(self._text("button.music"), questions, self._set_music))

    async def _set_music(self, interaction: discord.Interaction, answers: dict[str, str]) -> None:
        volume = _number(answers["volume"], 0, 200)
        delay = _number(answers["delay"], 0, 86_400)
        await self._save(
            interaction, music_volume=None if volume is None else volume / 100, auto_disconnect_delay=delay
        )

    # Features

    def _features(self) -> None:
        options = [
            (each.value, self._text(f"feature.{each}"), self.chosen.features.get(each, DEFAULTS[each]))
            for each in Feature
        ]
        label = self._text("page.features")
        self.add_item(Menu("features", label, options, self._switch_features, several=True, row=1))

    async def _switch_features(self, interaction: discord.Interaction, values: list[str]) -> None:
        async with self.panel.changing(interaction, self.page) as guild:
            switches = {feature: feature.value in values for feature in Feature}
            await self.panel.keeping.switch(guild, interaction.user, switches)

    # Automod

    def _automod(self) -> None:
        policy = self.chosen.policy
        names = {each: get_message(f"moderation.filter_name.{each}", self.language) for each in FILTERS}
        looks = [(each.value, names[each], policy.rule(each).enabled) for each in FILTERS]
        self.add_item(Menu("filters", self._text("filters"), looks, self._switch_filters, several=True, row=1))
        edits = [(each.value, names[each], False) for each in FILTERS]
        self.add_item(Menu("filter", self._text("edit_filter"), edits, self._ask_filter, row=2))
        is_on = self.chosen.features.get(Feature.AUTOMOD, DEFAULTS[Feature.AUTOMOD])
        label = self._text("button.automod_off" if is_on else "button.automod_on")
        self.add_item(Press("automod", label, self._switch_automod, row=3))
        self.add_item(Press("escalation", self._text("button.escalation"), self._ask_escalation, row=3))

    async def _switch_automod(self, interaction: discord.Interaction) -> None:
        now = await self.panel.chosen(interaction)
        is_on = now.features.get(Feature.AUTOMOD, DEFAULTS[Feature.AUTOMOD])
        async with self.panel.changing(interaction, self.page) as guild:
            await self.panel.keeping.switch(guild, interaction.user, {Feature.AUTOMOD: not is_on})

    async def _switch_filters(self, interaction: discord.Interaction, values: list[str]) -> None:
        policy = (await self.panel.chosen(interaction)).policy
        for name in FILTERS:
            policy = policy.with_rule(name, enabled=name.value in values)
        await self._set_policy(interaction, policy)

    async def _ask_filter(self, interaction: discord.Interaction, values: list[str]) -> None:
        name = Filter(values[0])
        rule = (await self.panel.chosen(interaction)).policy.rule(name)
        questions = [("action", self._text("ask.action"), rule.action.value)]
        if name in LISTS:
            questions.append(("entries", self._text("ask.entries"), ", ".join(rule.entries)))
        limits = rule.model_dump(exclude={"enabled", "action", "exempt_roles", "exempt_channels", "entries"})
        questions += [(limit, self._text(f"ask.{limit}"), str(value)) for limit, value in limits.items()]

        async def then(interaction: discord.Interaction, answers: dict[str, str]) -> None:
            changes: dict[str, Any] = {key: _number(answers[key], 0, 10**6) for key in limits}
            changes["action"] = _action(answers["action"])
            if name in LISTS:
                parts = (each.strip() for each in answers["entries"].replace("\n", ",").split(","))
                changes["entries"] = tuple(dict.fromkeys(part for part in parts if part))
            changes = {key: value for key, value in changes.items() if value is not None}
            policy = (await self.panel.chosen(interaction)).policy
            await self._set_policy(interaction, _checked(lambda: policy.with_rule(name, **changes)))

        title = get_message(f"moderation.filter_name.{name}", self.language)
        await interaction.response.send_modal(Ask(title, questions, then))

    async def _ask_escalation(self, interaction: discord.Interaction) -> None:
        rule = (await self.panel.chosen(interaction)).policy.escalation
        values = rule.model_dump(include={"warnings", "hours", "minutes"})
        questions = [
            (key, self._text(f"ask.{key}"), str(value) if rule.enabled else "") for key, value in values.items()
        ]
        await interaction.response.send_modal(Ask(self._text("button.escalation"), questions, self._escalation))

    async def _escalation(self, interaction: discord.Interaction, answers: dict[str, str]) -> None:
        given = {key: number for key, text in answers.items() if (number := _number(text, 0, 10**6)) is not None}
        rule = {"enabled": bool(given.get("warnings")), **given}
        if not rule["enabled"]:
            rule = Escalation().model_dump()
        policy = (await self.panel.chosen(interaction)).policy
        await self._set_policy(interaction, _checked(lambda: policy.changed({"escalation": rule})))

    async def _set_policy(self, interaction: discord.Interaction, policy: Policy) -> None:
        async with self.panel.changing(interaction, self.page) as guild:
            await self.panel.keeping.set_policy(guild, interaction.user, policy)


BUILD = {
    Page.GENERAL: Form._general,  # noqa: SLF001  a table of the class's own methods
    Page.CHANNELS: Form._channels,  # noqa: SLF001
    Page.MUSIC: Form._music,  # noqa: SLF001
    Page.FEATURES: Form._features,  # noqa: SLF001
    Page.AUTOMOD: Form._automod,  # noqa: SLF001
}


def _number(text: str, least: int, most: int) -> int | None:
    """Read a whole number, in the digits of any script; None for an empty answer.

    Raises:
        Refused: it is none, or out of its limits.
    """
    text = text.strip().removesuffix("%").strip()
    if not text:
        return None
    if not text.isdecimal() or not least <= int(text[:12]) <= most:
        raise Refused("settings.no_number", text=text[:20].replace("`", ""), least=least, most=most)
    return int(text)


def _action(text: str) -> str | None:
    try:
        return Response(text.lower()).value if text else None
    except ValueError:
        raise Refused("settings.no_action") from None


def _checked(make: Any) -> Policy:
    """Return a policy.

    Raises:
        Refused: a value is out of its limits; the answer says which.
    """
    try:
        policy: Policy = make()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Refused("moderation.automod.not_taken", problem=f"{first['loc'][-1]}: {first['msg']}") from None
    return policy
