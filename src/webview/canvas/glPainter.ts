/**
 * Paints with WebGL 2: tiles of layers are textures; the photo is cut into textures of its own when a part comes into sight, so that no side is longer than a texture
 * may be and only what is looked at takes memory.
 */
import { SeedMaskError } from '../../shared/errors';
import type { Box, PaintedTile, Painter } from './painter';
import { TILE } from './painter';

/** Side of the photo's textures. */
const PHOTO_TILE = 512;
/** Textures of photos that are kept, 1 MiB each. */
const MOST_PHOTO_TILES = 256;

const VERTEX = `#version 300 es
in vec2 corner;
uniform vec4 target;
uniform vec4 source;
out vec2 at;
void main() {
  at = source.xy + corner * source.zw;
  vec2 place = target.xy + corner * target.zw;
  gl_Position = vec4(place.x * 2.0 - 1.0, 1.0 - place.y * 2.0, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in highp vec2 at;
uniform sampler2D picture;
uniform bool straight;
out vec4 colour;
void main() {
  vec4 found = texture(picture, at);
  colour = straight ? vec4(found.rgb * found.a, found.a) : found;
}`;

class GlTile implements PaintedTile {
  readonly texture: WebGLTexture | null;

  constructor(private readonly gl: WebGL2RenderingContext) {
    this.texture = makeTexture(gl, TILE, TILE);
  }

  update({ data }: ImageData, { x, y, width, height }: Box): void {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, TILE);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, x, y, width, height, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(data.buffer), (y * TILE + x) * 4);
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, 0);
  }

  dispose(): void {
    this.gl.deleteTexture(this.texture);
  }
}

interface PhotoTile {
  picture: ImageBitmap;
  texture: WebGLTexture | null;
}

export class GlPainter implements Painter {
  readonly kind = 'gl';
  private program: WebGLProgram;
  private readonly photoTiles = new Map<string, PhotoTile>();
  private readonly numbers = new WeakMap<ImageBitmap, number>();
  private lastNumber = 0;
  private readonly stop: () => void;

  constructor(
    private readonly gl: WebGL2RenderingContext,
    lost: () => void,
  ) {
    this.program = setUp(gl);
    const { canvas } = gl;
    const onLost = (event: Event): void => event.preventDefault();
    const onRestored = (): void => {
      this.photoTiles.clear();
      this.program = setUp(gl);
      lost();
    };
    canvas.addEventListener('webglcontextlost', onLost);
    canvas.addEventListener('webglcontextrestored', onRestored);
    this.stop = () => {
      canvas.removeEventListener('webglcontextlost', onLost);
      canvas.removeEventListener('webglcontextrestored', onRestored);
    };
  }

  resize(width: number, height: number): void {
    this.gl.canvas.width = width;
    this.gl.canvas.height = height;
    this.gl.viewport(0, 0, width, height);
  }

  makeTile(): PaintedTile {
    return new GlTile(this.gl);
  }

  begin(): void {
    const { gl } = this;
    gl.disable(gl.SCISSOR_TEST);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.SCISSOR_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.useProgram(this.program);
  }

  clip({ x, y, width, height }: Box): void {
    const left = Math.round(x);
    this.gl.scissor(left, Math.round(this.gl.canvas.height - y - height), Math.max(0, Math.round(x + width) - left), Math.max(0, Math.round(height)));
  }

  drawPhoto(picture: ImageBitmap, from: Box, to: Box, smooth: boolean): void {
    const scaleX = to.width / from.width;
    const scaleY = to.height / from.height;
    const last = (start: number, length: number, side: number): number => Math.floor((Math.min(side, start + length) - 1) / PHOTO_TILE);
    for (let row = Math.floor(from.y / PHOTO_TILE); row <= last(from.y, from.height, picture.height); row++) {
      for (let column = Math.floor(from.x / PHOTO_TILE); column <= last(from.x, from.width, picture.width); column++) {
        const x = column * PHOTO_TILE;
        const y = row * PHOTO_TILE;
        const width = Math.min(PHOTO_TILE, picture.width - x);
        const height = Math.min(PHOTO_TILE, picture.height - y);
        const place = rounded({ x: to.x + (x - from.x) * scaleX, y: to.y + (y - from.y) * scaleY, width: width * scaleX, height: height * scaleY });
        this.quad(this.photoTexture(picture, { x, y, width, height }), { x: 0, y: 0, width: 1, height: 1 }, place, smooth, false);
      }
    }
  }

  drawTile(tile: PaintedTile, from: Box, to: Box): void {
    if (!(tile instanceof GlTile)) return;
    this.quad(tile.texture, { x: from.x / TILE, y: from.y / TILE, width: from.width / TILE, height: from.height / TILE }, rounded(to), false, true);
  }

  end(): void {
    this.gl.flush();
  }

  dispose(): void {
    this.stop();
    for (const { texture } of this.photoTiles.values()) this.gl.deleteTexture(texture);
    this.photoTiles.clear();
    this.gl.getExtension('WEBGL_lose_context')?.loseContext();
  }

  private quad(texture: WebGLTexture | null, source: Box, target: Box, smooth: boolean, straight: boolean): void {
    const { gl, program } = this;
    const { width, height } = gl.canvas;
    gl.bindTexture(gl.TEXTURE_2D, texture);
    const filter = smooth ? gl.LINEAR : gl.NEAREST;
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter);
    gl.uniform4f(gl.getUniformLocation(program, 'source'), source.x, source.y, source.width, source.height);
    gl.uniform4f(gl.getUniformLocation(program, 'target'), target.x / width, target.y / height, target.width / width, target.height / height);
    gl.uniform1i(gl.getUniformLocation(program, 'straight'), Number(straight));
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  /** The texture of a part of a picture, made when it is first seen. */
  private photoTexture(picture: ImageBitmap, { x, y, width, height }: Box): WebGLTexture | null {
    const number = this.numbers.get(picture) ?? ++this.lastNumber;
    this.numbers.set(picture, number);
    const key = `${number} ${x} ${y}`;
    const there = this.photoTiles.get(key);
    this.photoTiles.delete(key);
    const tile = there ?? { picture, texture: this.upload(picture, { x, y, width, height }) };
    this.photoTiles.set(key, tile);
    if (this.photoTiles.size > MOST_PHOTO_TILES) {
      for (const [oldest, { texture }] of this.photoTiles) {
        this.photoTiles.delete(oldest);
        this.gl.deleteTexture(texture);
        break;
      }
    }
    return tile.texture;
  }

  private upload(picture: ImageBitmap, { x, y, width, height }: Box): WebGLTexture | null {
    const { gl } = this;
    const texture = makeTexture(gl, width, height);
    gl.pixelStorei(gl.UNPACK_SKIP_PIXELS, x);
    gl.pixelStorei(gl.UNPACK_SKIP_ROWS, y);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, picture);
    gl.pixelStorei(gl.UNPACK_SKIP_PIXELS, 0);
    gl.pixelStorei(gl.UNPACK_SKIP_ROWS, 0);
    return texture;
  }
}

function makeTexture(gl: WebGL2RenderingContext, width: number, height: number): WebGLTexture | null {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, width, height);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  return texture;
}

/** The one program, with the unit square as its corners. */
function setUp(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [type, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(type);
    if (!shader) continue;
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.isContextLost() && !gl.getProgramParameter(program, gl.LINK_STATUS)) throw new SeedMaskError('unavailable', `WebGL: ${gl.getProgramInfoLog(program)}`);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
  const corner = gl.getAttribLocation(program, 'corner');
  gl.enableVertexAttribArray(corner);
  gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
  return program;
}

/** To whole device pixels, so that neighbours neither overlap nor leave gaps. */
function rounded({ x, y, width, height }: Box): Box {
  const [left, top] = [Math.round(x), Math.round(y)];
  return { x: left, y: top, width: Math.round(x + width) - left, height: Math.round(y + height) - top };
}
