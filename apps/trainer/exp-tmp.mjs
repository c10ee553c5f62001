import sharp from 'sharp';
const rgb = () => sharp({ create: { width: 16, height: 16, channels: 3, background: { r: 200, g: 100, b: 50 } } });
const file = await rgb().toColourspace('cmyk').jpeg({quality:100}).toBuffer();
const m = await sharp(file).metadata();
console.log({space:m.space, ch:m.channels, profile:m.hasProfile});
const segs = (f) => { const out=[]; for (let at=2; at+4<=f.length && f[at]===0xff;) { const len=f.readUInt16BE(at+2); out.push([f[at+1].toString(16), len, f.subarray(at+4, at+4+12).toString('latin1').replace(/[^\x20-\x7e]/g,'.')]); if (f[at+1]===0xda) break; at+=2+len;} return out; };
console.log(segs(file));
for (const ignoreIcc of [true,false]) console.log(ignoreIcc, [...(await sharp(file,{ignoreIcc}).toColourspace('srgb').raw().toBuffer()).subarray(0,4)]);
const withP = await rgb().toColourspace('cmyk').withIccProfile('cmyk').jpeg({quality:100}).toBuffer().catch(e=>e);
if (Buffer.isBuffer(withP)) { console.log('icc', withP.length, (await sharp(withP).metadata()).hasProfile, segs(withP).slice(0,6));
for (const ignoreIcc of [true,false]) console.log(ignoreIcc, [...(await sharp(withP,{ignoreIcc}).toColourspace('srgb').raw().toBuffer()).subarray(0,4)]); } else console.log(withP.message);
console.log('cmyk raw', [...(await sharp(file,{ignoreIcc:true}).pipelineColourspace('cmyk').toColourspace('cmyk').raw().toBuffer()).subarray(0,4)]);
// GIF, WebP
for (const f of ['gif','webp']) for (const bg of [{ r: 200, g: 100, b: 50 }, { r: 200, g: 100, b: 50, alpha:0.5 }]) {
 const b = await sharp({ create: { width: 16, height: 16, channels: bg.alpha?4:3, background: bg } })[f](f==='webp'?{lossless:true}:{}).toBuffer();
 console.log(f, b.subarray(0,16), [...(await sharp(b).flatten({background:'#fff'}).toColourspace('srgb').raw().toBuffer()).subarray(0,4)]);
}
