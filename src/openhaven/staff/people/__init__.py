"""Who works here, for those who manage staff: adding, roles, links, and what was taken in need."""
