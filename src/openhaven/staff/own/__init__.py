"""One's own page: ways of signing in, where one is signed in, and permissions taken in need."""
