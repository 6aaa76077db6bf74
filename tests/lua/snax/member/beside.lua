return "found beside the source"
