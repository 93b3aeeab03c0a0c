//! Server, agents, people, resource servers and time, in one process.
