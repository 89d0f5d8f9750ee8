"""Voice: the voice gateway, IP discovery, and encrypted RTP, received, decrypted, counted and passed on."""

from localdiscord.voice.ciphers import MissingLibraryError
from localdiscord.voice.codes import CloseCode
from localdiscord.voice.reception import Reception
from localdiscord.voice.server import ENDPOINT, VoiceServer
from localdiscord.voice.session import VoiceSession

__all__ = ["ENDPOINT", "CloseCode", "MissingLibraryError", "Reception", "VoiceServer", "VoiceSession"]
