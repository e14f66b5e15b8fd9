// What a mirror writes into a contact sheet beside its picture: comments of a JPEG, each after a mark.

// What a comment says after its mark; null: there is no such comment.
export function comment(sheet, mark) {
  const view = new DataView(sheet);
  let at = 2;
  while (at + 4 <= view.byteLength && view.getUint8(at) === 0xff && view.getUint8(at + 1) !== 0xda) {
    const length = view.getUint16(at + 2);
    if (view.getUint8(at + 1) === 0xfe && at + 2 + length <= view.byteLength) {
      const said = new TextDecoder().decode(new Uint8Array(sheet, at + 4, Math.max(0, length - 2)));
      if (said.startsWith(mark)) return said.slice(mark.length);
    }
    at += 2 + Math.max(2, length);
  }
  return null;
}
