//! What an agent needs: authorize, delegate, confirm; typed errors that say what to do next.
