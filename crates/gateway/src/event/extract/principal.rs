//! The principal as an argument; its extractor is beside those of the socket.
