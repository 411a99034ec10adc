"""From one file to frames: decoders, containers, pictures, masks, archives, and the watchdog over them."""
