"""Memory kept within bounds: caches that forget, answers that are remembered for a while, and a watch over the process.

prices: TTLCache[str, float] = TTLCache(max_size=500, ttl=60.0)

@cached_with_ttl(ttl=30.0)
async def weather(city: str) -> str: ...

monitor = MemoryMonitor()
monitor.register("prices", prices)
task = asyncio.create_task(monitor.run())
"""

from .cached_calls import cached_with_ttl
from .memory_monitor import MemoryLevel, MemoryMonitor, MemoryThresholds, MemoryUsage
from .ttl_cache import CacheStats, Removal, TTLCache
from .weak_cache import WeakRefCache

__all__ = [
    "CacheStats",
    "MemoryLevel",
    "MemoryMonitor",
    "MemoryThresholds",
    "MemoryUsage",
    "Removal",
    "TTLCache",
    "WeakRefCache",
    "cached_with_ttl",
]
