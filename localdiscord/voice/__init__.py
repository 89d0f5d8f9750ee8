"""Voice: the voice gateway, IP discovery, and encrypted RTP, received, decrypted, counted and passed on."""

from localdiscord.voice.ciphers import MissingLibraryError
from localdiscord.voice.codes import CloseCode
from localdiscord.voice.dave import Dave
from localdiscord.voice.reception import Reception
from localdiscord.voice.registry import NoE2ee
from localdiscord.voice.server import ENDPOINT, VoiceServer
from localdiscord.voice.session import VoiceSession

__all__ = ["ENDPOINT", "CloseCode", "Dave", "MissingLibraryError", "NoE2ee", "Reception", "VoiceServer", "VoiceSession"]
