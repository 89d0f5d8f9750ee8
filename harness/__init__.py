"""The machinery: judges a tree by the regressions, and proves that the regressions can fail.

It knows no finding by name and imports nothing of the reference bot.
"""
