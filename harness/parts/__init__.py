"""Real parts that regressions share: servers, resolvers, processes. None of them knows a finding."""
