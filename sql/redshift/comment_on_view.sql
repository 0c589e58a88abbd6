-- purpose:    Say whose a view is, and what it was made of.
-- parameters: $view, $comment
-- guarantee:  the comment is replaced.
-- why:        the server prints the text of a view differently; this tells whether it is still the right one.
COMMENT ON VIEW $view IS $comment
