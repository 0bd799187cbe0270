"""Routes of people, tokens, and leave for operators (rules PA2, PA4)."""
