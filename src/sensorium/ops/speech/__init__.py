"""Words and turns: agreement, activity, speakers."""
