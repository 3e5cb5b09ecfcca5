"""What a stream is made of: RTSP and RTP, NAL units, transport streams, fragments, playlists. Bytes, never pictures."""
