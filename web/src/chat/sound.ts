// The sound of a new line, which needs no file.

let context: AudioContext | undefined;

/** Plays two short soft notes; browsers allow it once the customer has pressed something. */
export function chime(): void {
  context ??= new AudioContext();
  const start = context.currentTime;
  for (const [n, hertz] of [660, 880].entries()) {
    const tone = new OscillatorNode(context, { frequency: hertz });
    const loudness = new GainNode(context, { gain: 0 });
    const at = start + n * 0.12;
    loudness.gain.setValueAtTime(0.08, at);
    loudness.gain.exponentialRampToValueAtTime(0.001, at + 0.2);
    tone.connect(loudness).connect(context.destination);
    tone.start(at);
    tone.stop(at + 0.2);
  }
}
