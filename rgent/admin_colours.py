"""The admin's colours: the portal's blue (static/tokens.css) in the steps that django-unfold names."""

HUE = 264
# From the lightest wash to the darkest ink: lightness in percent, and chroma.
_STEPS = {
    50: (97.7, 0.012),
    100: (94.6, 0.028),
    200: (90, 0.054),
    300: (83, 0.09),
    400: (76, 0.12),
    500: (60, 0.19),
    600: (48, 0.2),
    700: (41, 0.19),
    800: (36, 0.16),
    900: (31, 0.12),
    950: (25, 0.09),
}
PRIMARY = {str(step): f"oklch({lightness}% {chroma} {HUE})" for step, (lightness, chroma) in _STEPS.items()}
