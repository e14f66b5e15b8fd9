"""The demo's front page and mailbox; only there while the embedded sink is on."""
