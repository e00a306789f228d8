"""The rules a plan is held against, one group to a file; `dispatch.check` is the way in."""
