"""FCP7 XML (xmeml 1 to 5): what Premiere and Resolve exchange."""
