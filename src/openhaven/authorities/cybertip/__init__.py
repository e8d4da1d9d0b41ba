"""CyberTip."""
