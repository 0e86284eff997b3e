"""Tables of public functions with arguments that work, a module for each subject."""
