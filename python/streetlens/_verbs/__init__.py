"""What a client can be asked, one file a subject."""
