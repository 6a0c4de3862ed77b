"""XML texts as trees of byte spans, and what FCPXML and xmeml share in writing into them."""
