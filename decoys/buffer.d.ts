/** Methods of Node's Buffer that its types leave out; `toString('latin1')` without looking the encoding up. */
interface Buffer {
  latin1Slice(start?: number, end?: number): string
  latin1Write(text: string, offset?: number, length?: number): number
}
