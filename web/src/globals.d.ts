// What the build puts into the service worker.
declare const FILES: string[];
declare const VERSION: string;

// What the build makes of WebAssembly's text.
declare module "*.wat" {
  const binary: Uint8Array<ArrayBuffer>;
  export default binary;
}
