"""Colours of page and figures: Okabe and Ito's colour-blind safe set, each hue of another lightness, on quiet greys."""

LIGHT = {
    "paper": "#ffffff",
    "soft": "#f5f6f8",
    "line": "#dadfe5",
    "muted": "#59626d",
    "ink": "#1a1e23",
    "blue": "#0072b2",
    "orange": "#d55e00",
    "green": "#009e73",
    "purple": "#b5578f",
    "sky": "#56b4e9",
    "amber": "#e69f00",
}
DARK = {
    "paper": "#14171b",
    "soft": "#1c2026",
    "line": "#323942",
    "muted": "#9ea7b2",
    "ink": "#e8eaed",
    "blue": "#4ba3e3",
    "orange": "#f0844c",
    "green": "#35b98f",
    "purple": "#d98bbb",
    "sky": "#8fd0f7",
    "amber": "#f0b840",
}
SERIES = ("blue", "orange", "green", "purple", "sky", "amber")
