"""Client libraries as peers: discord.py and hikari do most of what they can, each through its own words."""

from __future__ import annotations

import asyncio
import io
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import discord
import pytest

from fuzz.conformance import judged
from localdiscord import LocalDiscord
from localdiscord.actions import channels
from localdiscord.model.channel import Overwrite
from localdiscord.permissions import Permissions
from tests.localdiscord.rest_peer import picture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Library:
    """discord.py, logged in.

    Attributes:
        server: the local Discord.
        client: the library's client.
        guild: the town, as the library sees it.
        general: a channel of it.
        carol: a member of it.
    """

    def __init__(self, server: LocalDiscord, client: discord.Client) -> None:
        self.server = server
        self.client = client
        self.guild = client.guilds[0]
        self.general = next(channel for channel in self.guild.text_channels if channel.name == "general")
        carol = self.guild.get_member(server.town.members[0].id)
        assert carol is not None
        self.carol = carol


@asynccontextmanager
async def library() -> AsyncIterator[Library]:
    """Log discord.py in to a local Discord; all they say to each other is held against Discord's description."""
    async with LocalDiscord() as server:
        client = discord.Client(intents=discord.Intents.all(), connector=server.connector(), guild_ready_timeout=0)
        ready = asyncio.Event()

        async def on_ready() -> None:
            ready.set()

        client.event(on_ready)
        with judged(server):
            async with client:
                running = asyncio.create_task(client.start(server.town.application.token))
                async with asyncio.timeout(10):
                    await ready.wait()
                yield Library(server, client)
            await running


async def test_discord_py_writes() -> None:
    """Messages with all that belongs to them: embeds, files, answers, pins, reactions, polls, and their end."""
    async with library() as own:
        channel = own.general
        embed = discord.Embed(title="t", description="d", color=3, timestamp=discord.utils.utcnow())
        embed.set_image(url="attachment://a.png").set_author(name="x").set_footer(text="f").add_field(
            name="a", value="b"
        )
        first = await channel.send("first", files=[discord.File(io.BytesIO(picture()), "a.png")], embed=embed)
        assert (await first.reply("second", mention_author=False)).reference is not None
        assert (await first.edit(content="changed", embed=None)).content == "changed"
        files = await channel.send(
            files=[discord.File(io.BytesIO(b"text"), "b.txt", description="words", spoiler=True)]
        )
        assert await files.attachments[0].read() == b"text"
        await first.pin(reason="good")
        assert [message.content async for message in channel.pins()] == ["changed"]
        await first.add_reaction("👍")
        (reaction,) = (await channel.fetch_message(first.id)).reactions
        assert [user.name async for user in reaction.users()] == ["Reference"]
        await first.clear_reactions()
        poll = discord.Poll("Q?", timedelta(hours=1)).add_answer(text="A", emoji="👍").add_answer(text="B")
        asked = await channel.send(poll=poll)
        assert (await asked.end_poll()).poll is not None
        assert len([message async for message in channel.history(limit=None)]) == 6
        assert len(await channel.purge(limit=3)) == 3
        await first.delete()
        await own.carol.send("hello")
        with pytest.raises(discord.HTTPException, match="Must be 2000 or fewer"):
            await channel.send("x" * 2001)


async def test_discord_py_writes_layouts() -> None:
    """Components of version 2 come back as the library sent them, with their pictures."""
    async with library() as own:
        view = discord.ui.LayoutView()
        container: discord.ui.Container[Any] = discord.ui.Container(accent_colour=5)
        thumbnail: discord.ui.Thumbnail[Any] = discord.ui.Thumbnail("attachment://a.png")
        container.add_item(discord.ui.Section("text", accessory=thumbnail))
        container.add_item(discord.ui.Separator()).add_item(discord.ui.TextDisplay("more"))
        gallery: discord.ui.MediaGallery[Any] = discord.ui.MediaGallery(discord.MediaGalleryItem("attachment://a.png"))
        container.add_item(gallery).add_item(discord.ui.File("attachment://b.txt"))
        row: discord.ui.ActionRow[Any] = discord.ui.ActionRow()
        row.add_item(discord.ui.Button(label="x", custom_id="x"))
        view.add_item(container).add_item(row)
        files = [discord.File(io.BytesIO(picture()), "a.png"), discord.File(io.BytesIO(b"1"), "b.txt")]
        sent = await own.general.send(view=view, files=files)
        assert [component.type.value for component in sent.components] == [17, 1]
        assert sent.attachments == []
        view.stop()


async def test_discord_py_moderates() -> None:
    """Members, roles and bans, and the audit log that tells of them."""
    async with library() as own:
        guild, carol = own.guild, own.carol
        role = await guild.create_role(name="R", permissions=discord.Permissions(kick_members=True), hoist=True)
        await carol.add_roles(role, reason="given")
        await carol.edit(nick="Caz", roles=[])
        await role.edit(name="S", color=discord.Color.red())
        await role.delete()
        await carol.timeout(timedelta(hours=1))
        assert (await guild.fetch_member(carol.id)).is_timed_out()
        assert [member.name for member in await guild.query_members("caz", limit=5)] == ["carol"]
        await carol.kick(reason="bye")
        stranger = discord.Object(own.server.town.members[1].id)
        await guild.ban(stranger, delete_message_seconds=3600)
        assert [ban.user.name async for ban in guild.bans()] == ["somchai"]
        await guild.unban(stranger)
        assert await guild.estimate_pruned_members(days=1) == 0
        entries = [entry async for entry in guild.audit_logs(limit=100)]
        assert [entry.action.name for entry in entries[:3]] == ["unban", "ban", "kick"]
        kicks = [entry async for entry in guild.audit_logs(action=discord.AuditLogAction.kick)]
        assert [entry.reason for entry in kicks] == ["bye"]
        assert guild.me is not None
        await guild.me.edit(nick="Me")


async def test_discord_py_builds() -> None:
    """Channels of every kind, overwrites, threads and posts."""
    async with library() as own:
        guild, general = own.guild, own.general
        denied = discord.PermissionOverwrite(send_messages=False)
        hidden: dict[discord.Role | discord.Member | discord.Object, discord.PermissionOverwrite] = {
            guild.default_role: denied
        }
        made = await guild.create_text_channel("New", topic="x", overwrites=hidden, category=guild.categories[0])
        await made.edit(name="other", nsfw=True, slowmode_delay=5)
        await made.set_permissions(own.carol, view_channel=False)
        await made.set_permissions(own.carol, overwrite=None)
        await made.move(beginning=True)
        await made.delete()
        await (await guild.create_voice_channel("V", bitrate=32_000, user_limit=3)).edit(user_limit=4)
        await guild.create_category("C")
        forum = await guild.create_forum("forum", available_tags=[discord.ForumTag(name="a")])
        post = await forum.create_thread(name="post", content="hello", applied_tags=[forum.available_tags[0]])
        assert [tag.name for tag in post.thread.applied_tags] == ["a"]
        thread = await (await general.send("start")).create_thread(name="T")
        await thread.add_user(own.carol)
        assert {member.id for member in await thread.fetch_members()} == {own.carol.id, guild.me.id}
        await thread.edit(archived=True)
        assert [each.id async for each in general.archived_threads()] == [thread.id]
        private = await general.create_thread(name="p", type=discord.ChannelType.private_thread)
        await private.leave()
        assert {each.id for each in await guild.active_threads()} == {post.thread.id, private.id}
        await private.delete()


async def test_discord_py_knows_channels_that_it_does_not_see() -> None:
    """A channel that is hidden from the bot stays known to it, with the overwrite that hides it."""
    async with library() as own:
        guild = own.server.town.guild
        owner = own.server.person(own.server.town.owner)
        hidden = own.server.town.channels["general"]
        role = guild.role(guild.members[own.client.application_id or 0].roles[0])
        role.permissions = Permissions.VIEW_CHANNEL
        overwrite = Overwrite(guild.id, 0, deny=Permissions.VIEW_CHANNEL)
        channels.set_overwrite(own.server.world, hidden, owner.user, overwrite)
        await own.server.settled()
        assert own.general.overwrites[own.guild.default_role].view_channel is False


async def test_discord_py_equips() -> None:
    """Webhooks, invites, emojis, stickers, rules, plans, stages and the guild's own settings."""
    async with library() as own:
        guild, general, client = own.guild, own.general, own.client
        hook = await general.create_webhook(name="hook", avatar=picture())
        said = await hook.send("hi", username="X", wait=True, file=discord.File(io.BytesIO(b"1"), "a.txt"))
        await said.edit(content="y")
        assert [each.id for each in await guild.webhooks()] == [hook.id]
        await hook.delete()
        invite = await general.create_invite(max_age=60)
        assert (await client.fetch_invite(invite.code)).approximate_member_count == 5
        await invite.delete()
        emoji = await guild.create_custom_emoji(name="em", image=picture())
        assert await emoji.read() == picture()
        await said.add_reaction(emoji)
        await emoji.delete()
        file = discord.File(io.BytesIO(picture(320, 320)), "s.png")
        sticker = await guild.create_sticker(name="st", description="d", emoji="👍", file=file)
        assert (await general.send(stickers=[sticker])).stickers[0].name == "st"
        await (await client.create_application_emoji(name="ae", image=picture())).delete()
        trigger = discord.AutoModTrigger(keyword_filter=["bad*"])
        actions = [discord.AutoModRuleAction(channel_id=general.id)]
        event_type = discord.AutoModRuleEventType.message_send
        rule = await guild.create_automod_rule(name="r", event_type=event_type, trigger=trigger, actions=actions)
        await (await rule.edit(enabled=True)).delete()
        begins = discord.utils.utcnow() + timedelta(hours=1)
        plan = await guild.create_scheduled_event(
            name="ev",
            start_time=begins,
            end_time=begins + timedelta(hours=1),
            entity_type=discord.EntityType.external,
            location="here",
            privacy_level=discord.PrivacyLevel.guild_only,
        )
        await (await plan.start()).end()
        stage = await (await guild.create_stage_channel("stage")).create_instance(topic="t")
        await stage.delete()
        assert (await guild.edit(name="New Town", icon=picture(), system_channel=general)).name == "New Town"
        welcome = [discord.WelcomeChannel(channel=general, description="q", emoji="👍")]
        assert (
            await guild.edit_welcome_screen(description="d", welcome_channels=welcome, enabled=True)
        ).description == "d"
        assert (await client.fetch_guild_preview(guild.id)).name == "New Town"
        assert len(await guild.me.display_avatar.read()) > 100


async def test_hikari_uses_the_rest_api() -> None:
    """hikari, which shares no code with discord.py, does the same through the server's own port."""
    hikari = pytest.importorskip("hikari", reason="hikari is not installed")
    async with LocalDiscord() as server:
        app = hikari.RESTApp(url=f"{server.url}/api/v10")
        await app.start()
        with judged(server):
            async with app.acquire(server.town.application.token, hikari.TokenType.BOT) as rest:
                await _hikari(hikari, rest, server)
        await app.close()


async def _hikari(hikari: Any, rest: Any, server: LocalDiscord) -> None:
    guild, general = server.town.guild.id, server.town.channels["general"].id
    carol = server.town.members[0].id
    later = datetime.now(UTC) + timedelta(hours=1)
    embed = hikari.Embed(title="t").add_field("a", "b")
    said = await rest.create_message(general, "hi", embed=embed, attachment=hikari.Bytes(b"abc", "a.txt"))
    assert await said.attachments[0].read() == b"abc"
    assert (await rest.edit_message(general, said.id, "x")).content == "x"
    await rest.add_reaction(general, said.id, "👍")
    assert [each.content async for each in rest.fetch_messages(general)] == ["x"]
    member = await rest.edit_member(guild, carol, nickname="C", communication_disabled_until=later)
    assert (member.nickname, member.communication_disabled_until() is not None) == ("C", True)
    role = await rest.create_role(guild, name="r", permissions=hikari.Permissions.KICK_MEMBERS)
    await rest.add_role_to_member(guild, carol, role)
    thread = await rest.create_thread(general, hikari.ChannelType.GUILD_PUBLIC_THREAD, "t")
    assert thread.parent_id == general
    forum = await rest.create_guild_forum_channel(guild, "forum")
    assert (await rest.create_forum_post(forum.id, "p", "content")).name == "p"
    hook = await rest.create_webhook(general, "w")
    assert (await rest.execute_webhook(hook.webhook_id, hook.token, "hey")).content == "hey"
    assert (await rest.create_invite(general)).guild_id == guild
    await rest.ban_user(guild, carol)
    assert [ban.user.id async for ban in rest.fetch_bans(guild)] == [carol]
    direct = await rest.create_dm_channel(server.town.members[1].id)
    await rest.create_message(direct.id, "dm")
    await rest.create_external_event(guild, "e", "here", later, later + timedelta(hours=1))
    row = rest.build_message_action_row()
    row.add_interactive_button(hikari.ButtonStyle.PRIMARY, "id", label="x")
    assert (await rest.create_message(general, "c", component=row)).components[0].components[0].custom_id == "id"
    assert sum([len(page.entries) async for page in rest.fetch_audit_log(guild)]) > 5
    with pytest.raises(hikari.BadRequestError) as refused:
        await rest.create_message(general, "x" * 2001)
    assert refused.value.errors["content"]["_errors"][0]["code"] == "BASE_TYPE_MAX_LENGTH"
    with pytest.raises(hikari.NotFoundError, match="Unknown Channel"):
        await rest.fetch_channel(1)
