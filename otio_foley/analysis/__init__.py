"""What the picture says: people, their pose, the camera's motion, contacts, action, distance."""
