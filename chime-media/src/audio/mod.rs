//! The audio of a meeting: who talks, what everybody hears.
