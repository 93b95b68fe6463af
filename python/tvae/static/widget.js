// src/map/camera.ts
var e = .4, t = 2e3, n = .9;
function r(e) {
	let t = {
		left: Infinity,
		right: -Infinity,
		bottom: Infinity,
		top: -Infinity
	};
	for (let n = 0; n + 1 < e.length; n += 2) {
		let r = e[n], i = e[n + 1];
		Number.isFinite(r) && Number.isFinite(i) && (r < t.left && (t.left = r), r > t.right && (t.right = r), i < t.bottom && (t.bottom = i), i > t.top && (t.top = i));
	}
	return t.left <= t.right ? t : {
		left: -.5,
		right: .5,
		bottom: -.5,
		top: .5
	};
}
var i = class {
	width = 1;
	height = 1;
	view = {
		x: 0,
		y: 0,
		scaleX: 1,
		scaleY: 1
	};
	#e = this.view;
	#t = {
		left: -.5,
		right: .5,
		bottom: -.5,
		top: .5
	};
	#n = !1;
	#r = null;
	#i;
	constructor(e = () => !1) {
		this.#i = e;
	}
	resize(e, t) {
		let n = this.isHome(), r = this.zoom(), i = this.width > 1 && this.height > 1;
		this.width = Math.max(1, e), this.height = Math.max(1, t), this.#e = this.#a(), n ? this.view = this.#e : i || this.lookAt(this.view, r);
	}
	fit(e, t = !1) {
		this.#t = e, this.#n = t, this.#e = this.#a(), this.#r = null, this.view = this.#e;
	}
	#a() {
		let { left: e, right: t, bottom: r, top: i } = this.#t, a = n * this.width / (t - e || 1), o = n * this.height / (i - r || 1), s = Math.min(a, o);
		return {
			x: (e + t) / 2,
			y: (r + i) / 2,
			scaleX: this.#n ? a : s,
			scaleY: this.#n ? o : s
		};
	}
	isHome() {
		return this.view === this.#e;
	}
	zoom() {
		return this.view.scaleX / this.#e.scaleX;
	}
	toScreen(e) {
		let { x: t, y: n, scaleX: r, scaleY: i } = this.view;
		return {
			x: this.width / 2 + (e.x - t) * r,
			y: this.height / 2 - (e.y - n) * i
		};
	}
	toData(e) {
		let { x: t, y: n, scaleX: r, scaleY: i } = this.view;
		return {
			x: t + (e.x - this.width / 2) / r,
			y: n - (e.y - this.height / 2) / i
		};
	}
	visible() {
		let e = this.toData({
			x: 0,
			y: 0
		}), t = this.toData({
			x: this.width,
			y: this.height
		});
		return {
			left: e.x,
			right: t.x,
			bottom: t.y,
			top: e.y
		};
	}
	panBy(e, t, n = !1) {
		let { x: r, y: i, scaleX: a, scaleY: o } = this.#o();
		this.#s({
			x: r - e / a,
			y: i + t / o,
			scaleX: a,
			scaleY: o
		}, n);
	}
	zoomAt(n, r, i = !1) {
		let a = this.#o(), o = a.scaleX / this.#e.scaleX, s = Math.min(t, Math.max(e, o * r)) / o, c = a.scaleX * s, l = a.scaleY * s, u = n.x - this.width / 2, d = n.y - this.height / 2, f = a.x + u / a.scaleX - u / c, p = a.y - d / a.scaleY + d / l;
		this.#s({
			x: f,
			y: p,
			scaleX: c,
			scaleY: l
		}, i);
	}
	reveal(e, t = e, n = 40) {
		if (![e, t].some((e) => {
			let t = this.toScreen(e);
			return t.x < n || t.y < n || t.x > this.width - n || t.y > this.height - n;
		})) return;
		let { scaleX: r, scaleY: i } = this.view, a = (e) => Math.max(1, e - 2 * n), o = Math.min(1, a(this.width) / Math.max(1, Math.abs(e.x - t.x) * r), a(this.height) / Math.max(1, Math.abs(e.y - t.y) * i)), s = {
			x: (e.x + t.x) / 2,
			y: (e.y + t.y) / 2
		};
		this.#s({
			...s,
			scaleX: r * o,
			scaleY: i * o
		}, !0);
	}
	lookAt({ x: n, y: r }, i) {
		let a = Math.min(t, Math.max(e, i));
		this.#s({
			x: n,
			y: r,
			scaleX: this.#e.scaleX * a,
			scaleY: this.#e.scaleY * a
		}, !1);
	}
	reset() {
		this.#s(this.#e, !0);
	}
	#o() {
		return this.#r?.to ?? this.view;
	}
	#s(e, t) {
		t && !this.#i() ? this.#r = {
			from: this.view,
			to: e,
			start: NaN
		} : (this.#r = null, this.view = e);
	}
	step(e) {
		let t = this.#r;
		if (!t) return !1;
		Number.isNaN(t.start) && (t.start = e);
		let n = (e - t.start) / 250;
		return n >= 1 ? (this.view = t.to, this.#r = null, !1) : (this.view = a(t.from, t.to, 1 - (1 - n) ** 3), !0);
	}
	get gliding() {
		return this.#r !== null;
	}
};
function a(e, t, n) {
	let r = e.scaleX * (t.scaleX / e.scaleX) ** n, i = e.scaleY * (t.scaleY / e.scaleY) ** n, a = 1 / e.scaleX - 1 / t.scaleX, o = Math.abs(t.scaleX / e.scaleX - 1) < 1e-6 ? n : (1 / e.scaleX - 1 / r) / a;
	return {
		x: e.x + (t.x - e.x) * o,
		y: e.y + (t.y - e.y) * o,
		scaleX: r,
		scaleY: i
	};
}
// node_modules/d3-array/dist/d3-array.mjs
function o(e, t) {
	return e == null || t == null ? NaN : e < t ? -1 : e > t ? 1 : e >= t ? 0 : NaN;
}
function s(e, t) {
	return e == null || t == null ? NaN : t < e ? -1 : t > e ? 1 : t >= e ? 0 : NaN;
}
function c(e) {
	let t, n, r;
	e.length === 2 ? (t = e === o || e === s ? e : l, n = e, r = e) : (t = o, n = (t, n) => o(e(t), n), r = (t, n) => e(t) - n);
	function i(e, r, i = 0, a = e.length) {
		if (i < a) {
			if (t(r, r) !== 0) return a;
			do {
				let t = i + a >>> 1;
				n(e[t], r) < 0 ? i = t + 1 : a = t;
			} while (i < a);
		}
		return i;
	}
	function a(e, r, i = 0, a = e.length) {
		if (i < a) {
			if (t(r, r) !== 0) return a;
			do {
				let t = i + a >>> 1;
				n(e[t], r) <= 0 ? i = t + 1 : a = t;
			} while (i < a);
		}
		return i;
	}
	function c(e, t, n = 0, a = e.length) {
		let o = i(e, t, n, a - 1);
		return o > n && r(e[o - 1], t) > -r(e[o], t) ? o - 1 : o;
	}
	return {
		left: i,
		center: c,
		right: a
	};
}
function l() {
	return 0;
}
function u(e) {
	return e === null ? NaN : +e;
}
var d = c(o);
d.right, d.left, c(u).center;
function f(e, t) {
	let n = 0;
	if (t === void 0) for (let t of e) t != null && (t = +t) >= t && ++n;
	else {
		let r = -1;
		for (let i of e) (i = t(i, ++r, e)) != null && (i = +i) >= i && ++n;
	}
	return n;
}
function p(e, t) {
	let n, r;
	if (t === void 0) for (let t of e) t != null && (n === void 0 ? t >= t && (n = r = t) : (n > t && (n = t), r < t && (r = t)));
	else {
		let i = -1;
		for (let a of e) (a = t(a, ++i, e)) != null && (n === void 0 ? a >= a && (n = r = a) : (n > a && (n = a), r < a && (r = a)));
	}
	return [n, r];
}
Array.prototype.slice;
var m = Math.sqrt(50), h = Math.sqrt(10), g = Math.sqrt(2);
function _(e, t, n) {
	let r = (t - e) / Math.max(0, n), i = Math.floor(Math.log10(r)), a = r / 10 ** i, o = a >= m ? 10 : a >= h ? 5 : a >= g ? 2 : 1, s, c, l;
	return i < 0 ? (l = 10 ** -i / o, s = Math.round(e * l), c = Math.round(t * l), s / l < e && ++s, c / l > t && --c, l = -l) : (l = 10 ** i * o, s = Math.round(e / l), c = Math.round(t / l), s * l < e && ++s, c * l > t && --c), c < s && .5 <= n && n < 2 ? _(e, t, n * 2) : [
		s,
		c,
		l
	];
}
function v(e, t, n) {
	if (t = +t, e = +e, n = +n, !(n > 0)) return [];
	if (e === t) return [e];
	let r = t < e, [i, a, o] = r ? _(t, e, n) : _(e, t, n);
	if (!(a >= i)) return [];
	let s = a - i + 1, c = Array(s);
	if (r) {
		if (o < 0) for (let e = 0; e < s; ++e) c[e] = (a - e) / -o;
		else for (let e = 0; e < s; ++e) c[e] = (a - e) * o;
	} else if (o < 0) for (let e = 0; e < s; ++e) c[e] = (i + e) / -o;
	else for (let e = 0; e < s; ++e) c[e] = (i + e) * o;
	return c;
}
function y(e, t, n) {
	return t = +t, e = +e, n = +n, _(e, t, n)[2];
}
function b(e, t, n) {
	let r;
	for (;;) {
		let i = y(e, t, n);
		if (i === r || i === 0 || !isFinite(i)) return [e, t];
		if (i > 0) {
			let n = Math.ceil(e / i), r = Math.floor(t / i);
			e = (n - (n * i > e)) * i, t = (r + (r * i < t)) * i;
		} else if (i < 0) {
			let n = -i, r = Math.ceil(e * n), a = Math.floor(t * n);
			e = (r - (r / n > e)) / n, t = (a + (a / n < t)) / n;
		}
		r = i;
	}
}
function x(e) {
	return Math.max(1, Math.ceil(Math.log(f(e)) / Math.LN2) + 1);
}
// node_modules/d3-contour/dist/d3-contour.mjs
var S = Array.prototype.slice;
function C(e, t) {
	return e - t;
}
function w(e) {
	for (var t = 0, n = e.length, r = e[n - 1][1] * e[0][0] - e[n - 1][0] * e[0][1]; ++t < n;) r += e[t - 1][1] * e[t][0] - e[t - 1][0] * e[t][1];
	return r;
}
var T = (e) => () => e;
function E(e, t) {
	for (var n = -1, r = t.length, i; ++n < r;) if (i = D(e, t[n])) return i;
	return 0;
}
function D(e, t) {
	for (var n = t[0], r = t[1], i = -1, a = 0, o = e.length, s = o - 1; a < o; s = a++) {
		var c = e[a], l = c[0], u = c[1], d = e[s], f = d[0], p = d[1];
		if (O(c, d, t)) return 0;
		u > r != p > r && n < (f - l) * (r - u) / (p - u) + l && (i = -i);
	}
	return i;
}
function O(e, t, n) {
	var r;
	return k(e, t, n) && A(e[r = +(e[0] === t[0])], n[r], t[r]);
}
function k(e, t, n) {
	return (t[0] - e[0]) * (n[1] - e[1]) === (n[0] - e[0]) * (t[1] - e[1]);
}
function A(e, t, n) {
	return e <= t && t <= n || n <= t && t <= e;
}
function ee() {}
var j = [
	[],
	[[[1, 1.5], [.5, 1]]],
	[[[1.5, 1], [1, 1.5]]],
	[[[1.5, 1], [.5, 1]]],
	[[[1, .5], [1.5, 1]]],
	[[[1, 1.5], [.5, 1]], [[1, .5], [1.5, 1]]],
	[[[1, .5], [1, 1.5]]],
	[[[1, .5], [.5, 1]]],
	[[[.5, 1], [1, .5]]],
	[[[1, 1.5], [1, .5]]],
	[[[.5, 1], [1, .5]], [[1.5, 1], [1, 1.5]]],
	[[[1.5, 1], [1, .5]]],
	[[[.5, 1], [1.5, 1]]],
	[[[1, 1.5], [1.5, 1]]],
	[[[.5, 1], [1, 1.5]]],
	[]
];
function te() {
	var e = 1, t = 1, n = x, r = c;
	function i(e) {
		var t = n(e);
		if (Array.isArray(t)) t = t.slice().sort(C);
		else {
			let n = p(e, ne);
			for (t = v(...b(n[0], n[1], t), t); t[t.length - 1] >= n[1];) t.pop();
			for (; t[1] < n[0];) t.shift();
		}
		return t.map((t) => a(e, t));
	}
	function a(e, t) {
		let n = t == null ? NaN : +t;
		if (isNaN(n)) throw Error(`invalid value: ${t}`);
		var i = [], a = [];
		return o(e, n, function(t) {
			r(t, e, n), w(t) > 0 ? i.push([t]) : a.push(t);
		}), a.forEach(function(e) {
			for (var t = 0, n = i.length, r; t < n; ++t) if (E((r = i[t])[0], e) !== -1) {
				r.push(e);
				return;
			}
		}), {
			type: "MultiPolygon",
			value: t,
			coordinates: i
		};
	}
	function o(n, r, i) {
		var a = [], o = [], c = l = -1, l, u, d = M(n[0], r), f, p;
		for (j[d << 1].forEach(m); ++c < e - 1;) u = d, d = M(n[c + 1], r), j[u | d << 1].forEach(m);
		for (j[d | 0].forEach(m); ++l < t - 1;) {
			for (c = -1, d = M(n[l * e + e], r), f = M(n[l * e], r), j[d << 1 | f << 2].forEach(m); ++c < e - 1;) u = d, d = M(n[l * e + e + c + 1], r), p = f, f = M(n[l * e + c + 1], r), j[u | d << 1 | f << 2 | p << 3].forEach(m);
			j[d | f << 3].forEach(m);
		}
		for (c = -1, f = n[l * e] >= r, j[f << 2].forEach(m); ++c < e - 1;) p = f, f = M(n[l * e + c + 1], r), j[f << 2 | p << 3].forEach(m);
		j[f << 3].forEach(m);
		function m(e) {
			var t = [e[0][0] + c, e[0][1] + l], n = [e[1][0] + c, e[1][1] + l], r = s(t), u = s(n), d, f;
			(d = o[r]) ? (f = a[u]) ? (delete o[d.end], delete a[f.start], d === f ? (d.ring.push(n), i(d.ring)) : a[d.start] = o[f.end] = {
				start: d.start,
				end: f.end,
				ring: d.ring.concat(f.ring)
			}) : (delete o[d.end], d.ring.push(n), o[d.end = u] = d) : (d = a[u]) ? (f = o[r]) ? (delete a[d.start], delete o[f.end], d === f ? (d.ring.push(n), i(d.ring)) : a[f.start] = o[d.end] = {
				start: f.start,
				end: d.end,
				ring: f.ring.concat(d.ring)
			}) : (delete a[d.start], d.ring.unshift(t), a[d.start = r] = d) : a[r] = o[u] = {
				start: r,
				end: u,
				ring: [t, n]
			};
		}
	}
	function s(t) {
		return t[0] * 2 + t[1] * (e + 1) * 4;
	}
	function c(n, r, i) {
		n.forEach(function(n) {
			var a = n[0], o = n[1], s = a | 0, c = o | 0, l = N(r[c * e + s]);
			a > 0 && a < e && s === a && (n[0] = P(a, N(r[c * e + s - 1]), l, i)), o > 0 && o < t && c === o && (n[1] = P(o, N(r[(c - 1) * e + s]), l, i));
		});
	}
	return i.contour = a, i.size = function(n) {
		if (!arguments.length) return [e, t];
		var r = Math.floor(n[0]), a = Math.floor(n[1]);
		if (!(r >= 0 && a >= 0)) throw Error("invalid size");
		return e = r, t = a, i;
	}, i.thresholds = function(e) {
		return arguments.length ? (n = typeof e == "function" ? e : T(Array.isArray(e) ? S.call(e) : e), i) : n;
	}, i.smooth = function(e) {
		return arguments.length ? (r = e ? c : ee, i) : r === c;
	}, i;
}
function ne(e) {
	return isFinite(e) ? e : NaN;
}
function M(e, t) {
	return e != null && +e >= t;
}
function N(e) {
	return e == null || isNaN(e = +e) ? -Infinity : e;
}
function P(e, t, n, r) {
	let i = r - t, a = n - t, o = isFinite(i) || isFinite(a) ? i / a : Math.sign(i) / Math.sign(a);
	return isNaN(o) ? e : e + o - .5;
}
var re = .45, F = 16, ie = Uint8Array.from({ length: 385 }, (e, t) => Math.round(255 * (1 - .35 ** (t / F)))), I = 2 ** 26, ae = 16e3 * F * I;
function oe(e) {
	let t = Math.max(1, Math.round(e)), n = [], r = [], i = [];
	for (let e = 0; e < t; e++) for (let a = 0; a < t; a++) {
		let o = Math.hypot(a + .5 - t / 2, e + .5 - t / 2), s = t < 3 ? 1 : Math.min(1, t / 2 + .5 - o), c = Math.round(F * s);
		c <= 0 || (n.push(a), r.push(e), i.push(c));
	}
	return {
		side: t,
		dx: Uint8Array.from(n),
		dy: Uint8Array.from(r),
		weights: Uint8Array.from(i)
	};
}
function se(e, t, n) {
	let r = .009 * n / Math.max(1, e), i = Math.min(7, Math.max(1, 5 * r ** .33));
	return Math.min(10, i * Math.max(1, t) ** .3);
}
var ce = class {
	#e = /* @__PURE__ */ new Float64Array();
	#t = /* @__PURE__ */ new Uint8Array();
	#n = oe(1);
	draw(e, t, n, r, i, a) {
		let o = Math.max(1, Math.round(e.size * n));
		this.#n.side !== o && (this.#n = oe(o)), this.#t.length !== i * a && (this.#t = new Uint8Array(i * a), this.#e = new Float64Array(2 * i * a)), this.#r(e, t, n, i, a), this.#i(e, r);
	}
	#r(e, t, n, r, i) {
		let { xy: a, slots: o, colors: s, faint: c } = e, { side: l, dx: u, dy: d, weights: f } = this.#n, p = this.#t, m = this.#e, h = Int32Array.from(u, (e, t) => d[t] * r + e), g = h.length, _ = Float64Array.from(s, ([e, t]) => e + t * I), v = Float64Array.from(s, ([, , e]) => e + I), { view: y } = t, b = y.scaleX * n, x = -y.scaleY * n, S = (t.width * n - l) / 2 - y.x * b, C = (t.height * n - l) / 2 - y.y * x, w = r - l + 1, T = i - l + 1;
		for (let e = 0; e < o.length; e++) {
			let t = a[2 * e] * b + S, n = a[2 * e + 1] * x + C;
			if (!(t >= 0 && n >= 0 && t < w && n < T)) continue;
			let i = (n | 0) * r + (t | 0), s = o[e];
			if (s === 255) {
				if (!c) continue;
				for (let e = 0; e < g; e++) f[e] >= F / 2 && (p[i + h[e]] = 1);
				continue;
			}
			let l = _[s], u = v[s];
			for (let e = 0; e < g; e++) {
				let t = 2 * (i + h[e]);
				if (m[t + 1] >= ae) continue;
				let n = f[e];
				m[t] += l * n, m[t + 1] += u * n;
			}
		}
	}
	#i(e, t) {
		let n = this.#t, r = this.#e, i = ie.length - 1;
		for (let e = 0, n = 0; e < t.length; e++, n += 2) {
			let a = r[n + 1];
			if (a === 0) {
				t[e] = 0;
				continue;
			}
			let o = r[n], s = Math.floor(a / I), c = Math.floor(o / I), l = (o - c * I) / s, u = c / s, d = (a - s * I) / s;
			t[e] = ie[s < i ? s : i] << 24 | d << 16 | u << 8 | l, r[n] = r[n + 1] = 0;
		}
		if (!e.faint || !e.slots.includes(255)) return;
		let [a, o, s] = e.faint, c = Math.round(re * 255) << 24 | s << 16 | o << 8 | a;
		for (let e = 0; e < t.length; e++) n[e] === 1 && t[e] === 0 && (t[e] = c);
		n.fill(0);
	}
}, le = [
	.95,
	.8,
	.6,
	.4,
	.2
], L = 200, ue = 3, de = /* @__PURE__ */ new WeakMap(), fe = {};
function pe(e, t, n) {
	let r = de.get(e);
	r || de.set(e, r = /* @__PURE__ */ new WeakMap());
	let i = r.get(n ?? fe);
	return i || r.set(n ?? fe, i = me(e, t)), i;
}
function me(e, t) {
	let n = r(e), i = n.right - n.left || 1, a = n.top - n.bottom || 1, o = Math.min(4, Math.max(.25, i / a)), s = Math.round(o >= 1 ? L : L * o), c = Math.round(o >= 1 ? L / o : L), l = 0;
	for (let n = 0; n < t.length; n++) t[n] !== 255 && Number.isFinite(e[2 * n] + e[2 * n + 1]) && l++;
	if (l === 0) return [];
	let u = Math.max(1, Math.round(L / 16 * l ** (-1 / 6))), d = ue * u + 1, f = s + 2 * d, p = c + 2 * d, m = i / s, h = a / c, g = new Float64Array(f * p);
	for (let r = 0; r < t.length; r++) {
		let i = Math.floor((e[2 * r] - n.left) / m) + d, a = Math.floor((e[2 * r + 1] - n.bottom) / h) + d;
		t[r] !== 255 && i >= 0 && a >= 0 && i < f && a < p && g[a * f + i]++;
	}
	for (let e = 0; e < ue; e++) g = R(g, f, p, 1, f, u), g = R(g, p, f, f, 1, u);
	let _ = he(g, l);
	return te().size([f, p]).thresholds(_)(Array.from(g)).map((e, t) => ({
		share: le[t],
		rings: e.coordinates.flat().map((e) => Float32Array.from(e.flatMap(([e, t]) => [n.left + (e - d) * m, n.bottom + (t - d) * h])))
	}));
}
function he(e, t) {
	let n = e.filter((e) => e > 0).sort(), r = [], i = 0, a = n.length;
	for (let e of [...le].reverse()) {
		for (; a > 0 && i < e * t;) i += n[--a];
		r.unshift(n[a] ?? 0);
	}
	return r;
}
function R(e, t, n, r, i, a) {
	let o = new Float64Array(e.length), s = 2 * a + 1;
	for (let c = 0; c < n; c++) {
		let n = c * i, l = 0;
		for (let i = -a; i < t; i++) i + a < t && (l += e[n + (i + a) * r]), i - a - 1 >= 0 && (l -= e[n + (i - a - 1) * r]), i >= 0 && (o[n + i * r] = Math.max(0, l) / s);
	}
	return o;
}
// src/map/gestures.ts
var ge = 4, _e = 10, ve = 22, ye = 350, be = 3;
function xe(e, t) {
	let n = /* @__PURE__ */ new Map(), r = null, i = null, a = null, o = new AbortController(), { signal: s } = o, c = (t) => {
		let n = e.getBoundingClientRect();
		return {
			x: t.clientX - n.left,
			y: t.clientY - n.top
		};
	};
	return e.addEventListener("pointerdown", (a) => {
		if (a.button !== 0) return;
		let o = c(a);
		e.setPointerCapture?.(a.pointerId), n.set(a.pointerId, o), n.size > 1 ? (r = null, i && t.lassoEnd(null), i = null) : (r = o, t.wantsLasso(a) && (i = [o]));
	}, { signal: s }), e.addEventListener("pointermove", (e) => {
		let a = c(e), o = n.get(e.pointerId);
		if (!o) e.pointerType !== "touch" && t.hover(a);
		else if (i) {
			let e = i[i.length - 1];
			z(e, a) >= be && (i.push(a), t.lasso(i));
		} else {
			if (n.size === 2) {
				let r = [...n].find(([t]) => t !== e.pointerId)[1], i = (e, t) => ({
					x: (e.x + t.x) / 2,
					y: (e.y + t.y) / 2
				}), s = i(o, r), c = i(a, r);
				t.pan(c.x - s.x, c.y - s.y), t.zoom(c, Math.max(1, z(a, r)) / Math.max(1, z(o, r)));
			} else if (r && z(r, a) < ge) return;
			else r = null, t.hover(null), t.pan(a.x - o.x, a.y - o.y);
			n.set(e.pointerId, a);
		}
	}, { signal: s }), e.addEventListener("pointerup", (e) => {
		if (n.delete(e.pointerId)) {
			if (i && i.length > 2) t.lassoEnd(i);
			else {
				i && t.lassoEnd(null);
				let n = e.pointerType === "touch" ? ve : _e, o = a && e.timeStamp - a.time < ye && r && z(a.at, r) < n;
				r && !o && t.tap(r, n), a = r && {
					at: r,
					time: e.timeStamp
				};
			}
			i = null, r = null;
		}
	}, { signal: s }), e.addEventListener("pointercancel", (e) => {
		n.delete(e.pointerId), i && t.lassoEnd(null), i = null, r = null;
	}, { signal: s }), e.addEventListener("pointerleave", () => n.size === 0 && t.hover(null), { signal: s }), e.addEventListener("dblclick", (e) => t.doubleTap(c(e)), { signal: s }), e.addEventListener("wheel", (e) => {
		e.preventDefault();
		let n = e.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1, r = e.ctrlKey ? .01 : .0015;
		t.zoom(c(e), Math.exp(-e.deltaY * n * r));
	}, {
		signal: s,
		passive: !1
	}), () => o.abort();
}
function z(e, t) {
	return Math.hypot(e.x - t.x, e.y - t.y);
}
// src/map/palette.ts
var Se = {
	light: [
		"#0051b5",
		"#c6a403",
		"#7d4824",
		"#3ba8ff",
		"#1d965a",
		"#9851e9",
		"#b41d7b",
		"#582265",
		"#f763d6",
		"#e2500f"
	].map(V),
	dark: [
		"#3861f1",
		"#eef10e",
		"#cf1923",
		"#af9424",
		"#9dfcf0",
		"#a53cb5",
		"#03e077",
		"#cdb7fa",
		"#02a5d1",
		"#fd5aa6"
	].map(V)
}, Ce = {
	light: V("#989898"),
	dark: V("#717171")
}, B = {
	light: V("#cdcdcd"),
	dark: V("#43454b")
}, we = {
	light: V("#1f63c4"),
	dark: V("#6ea8fe")
}, Te = {
	light: Ee(.82, .34),
	dark: Ee(.42, .93)
};
function Ee(e, t) {
	return Array.from({ length: 64 }, (n, r) => {
		let i = r / 63, a = (240 + 170 * i) * Math.PI / 180, o = e + (t - e) * i;
		for (let e = .16;; e -= .005) {
			let t = De(o, e * Math.cos(a), e * Math.sin(a));
			if (t) return t;
		}
	});
}
function De(e, t, n) {
	let r = (e + .3963377774 * t + .2158037573 * n) ** 3, i = (e - .1055613458 * t - .0638541728 * n) ** 3, a = (e - .0894841775 * t - 1.291485548 * n) ** 3, o = [
		4.0767416621 * r - 3.3077115913 * i + .2309699292 * a,
		-1.2684380046 * r + 2.6097574011 * i - .3413193965 * a,
		-.0041960863 * r - .7034186147 * i + 1.707614701 * a
	];
	if (o.some((e) => e < -1e-4 || e > 1.0001)) return null;
	let [s, c, l] = o.map((e) => {
		let t = Math.min(1, Math.max(0, e));
		return Math.round(255 * (t <= .0031308 ? 12.92 * t : 1.055 * t ** (1 / 2.4) - .055));
	});
	return [
		s,
		c,
		l
	];
}
function V(e) {
	let t = Number.parseInt(e.slice(1), 16);
	return [
		t >> 16,
		t >> 8 & 255,
		t & 255
	];
}
function H([e, t, n]) {
	return `rgb(${e} ${t} ${n})`;
}
// src/map/scales.ts
var Oe = Se.light.length, ke = .005;
function U(e, t) {
	return e.kind === "label" ? Ae(e.values, e.labels, t) : e.kind === "number" ? je(e.values, e.name, t) : {
		slots: new Uint8Array(t),
		colors: (e) => [we[e]],
		legend: () => ({
			kind: "none",
			name: "",
			entries: [],
			ramp: null
		})
	};
}
function Ae(e, t, n) {
	let r = Array(t.length).fill(0);
	for (let n of e) n >= 0 && n < t.length && r[n]++;
	let i = t.map((e, t) => t).filter((e) => r[e] > 0);
	i.sort((e, t) => r[t] - r[e] || e - t);
	let a = i.slice(0, Oe), o = a.length, s = a.length + 1, c = new Uint8Array(t.length).fill(o);
	a.forEach((e, t) => c[e] = t);
	let l = new Uint8Array(n).fill(s), u = Array(s + 1).fill(0);
	for (let r = 0; r < n; r++) {
		let n = e[r];
		n >= 0 && n < t.length && (l[r] = c[n]), u[l[r]]++;
	}
	let d = (e) => [
		...Se[e].slice(0, a.length),
		Ce[e],
		B[e]
	];
	return {
		slots: l,
		colors: d,
		legend: (e) => ({
			kind: "label",
			name: "",
			entries: [
				...a.map((e) => t[e]),
				"other",
				"none"
			].map((t, n) => ({
				slot: n,
				label: t,
				color: H(d(e)[n]),
				count: u[n]
			})).filter((e) => e.count > 0),
			ramp: null
		})
	};
}
function je(e, t, n) {
	let r = e.filter((e) => Number.isFinite(e)).sort(), i = (e) => r[Math.round(e * (r.length - 1))] ?? 0, a = i(ke), o = i(.995), s = new Uint8Array(n), c = 0;
	for (let t = 0; t < n; t++) {
		let n = e[t];
		if (n === void 0 || Number.isNaN(n)) s[t] = 64, c++;
		else {
			let e = o > a ? (n - a) / (o - a) : .5;
			s[t] = Math.round(Math.min(1, Math.max(0, e)) * 63);
		}
	}
	return {
		slots: s,
		colors: (e) => [...Te[e], B[e]],
		legend: (e) => ({
			kind: "number",
			name: t,
			entries: c === 0 ? [] : [{
				slot: 64,
				label: "none",
				color: H(B[e]),
				count: c
			}],
			ramp: {
				low: a,
				high: o,
				colors: Te[e].map(H)
			}
		})
	};
}
function Me(e, t, n) {
	let r = (t - e) / Math.max(1, n);
	if (!(r > 0) || !Number.isFinite(r)) return [];
	let i = 10 ** Math.floor(Math.log10(r)), a = i * ([
		1,
		2,
		5
	].find((e) => e * i >= r) ?? 10), o = Math.ceil(e / a), s = Math.floor(t / a);
	return Array.from({ length: Math.max(0, s - o + 1) }, (e, t) => (o + t) * a);
}
function Ne(e) {
	return e === 0 ? "0" : String(Number(e.toPrecision(3))).replace("-", "−");
}
// src/map/overlay.ts
var W = "12px system-ui, sans-serif", Pe = 90, Fe = 60, Ie = 16;
function Le(e, t, n, r) {
	e.clearRect(0, 0, n.width, n.height), e.font = W, e.lineJoin = "round", e.lineCap = "round", Re(e, t.contours, n, r), t.axes && ze(e, t.axes, n, r), Be(e, t, n, r), Ve(e, t.marked, n, r), He(e, t.lasso.map((e) => n.toScreen(e)), r), t.hovered && We(e, n.toScreen(t.hovered), 6, r.ink, r.halo), t.focused && We(e, n.toScreen(t.focused), 9, r.ink, r.halo), t.readAt && Ue(e, n.toScreen(t.readAt), t.selected && n.toScreen(t.selected), n, r), t.selected && Ge(e, n.toScreen(t.selected), r);
}
function Re(e, t, n, r) {
	let { view: i, width: a, height: o } = n;
	for (let { rings: n } of t) {
		e.beginPath();
		for (let t of n) {
			for (let n = 0; n < t.length; n += 2) {
				let r = a / 2 + (t[n] - i.x) * i.scaleX, s = o / 2 - (t[n + 1] - i.y) * i.scaleY;
				n === 0 ? e.moveTo(r, s) : e.lineTo(r, s);
			}
			e.closePath();
		}
		for (let [t, n, i] of [[
			r.halo,
			2.5,
			.6
		], [
			r.ink,
			1,
			.75
		]]) e.strokeStyle = t, e.lineWidth = n, e.globalAlpha = i, e.stroke();
	}
	e.globalAlpha = 1;
}
function ze(e, t, n, r) {
	let { width: i, height: a } = n, o = n.visible(), s = (t, n, i, a, o) => {
		e.strokeStyle = r.ink, e.lineWidth = 1, e.globalAlpha = o, e.beginPath(), e.moveTo(Math.round(t) + .5, Math.round(n) + .5), e.lineTo(Math.round(i) + .5, Math.round(a) + .5), e.stroke(), e.globalAlpha = 1;
	};
	e.textAlign = "center", e.textBaseline = "bottom";
	for (let t of Me(o.left, o.right, i / Pe)) {
		let { x: o } = n.toScreen({
			x: t,
			y: 0
		});
		s(o, t === 0 ? 0 : a - 5, o, a, t === 0 ? .35 : .7), o > 30 && o < i - 30 && G(e, Ne(t), o, a - 7, r);
	}
	e.textAlign = "left", e.textBaseline = "middle";
	for (let t of Me(o.bottom, o.top, a / Pe)) {
		let { y: o } = n.toScreen({
			x: 0,
			y: t
		});
		s(0, o, t === 0 ? i : 5, o, t === 0 ? .35 : .7), o > 30 && o < a - 30 && G(e, Ne(t), 9, o, r);
	}
	e.font = `600 ${W}`, e.textAlign = "right", e.textBaseline = "bottom", G(e, `${K(t.x)} →`, i - 8, a - 24, r), e.textAlign = "left", e.textBaseline = "top", G(e, `↑ ${K(t.y)}`, 8, 8, r), e.font = W;
}
function Be(e, t, n, r) {
	let i = t.path.map((e) => n.toScreen(e));
	if (i.length === 0) return;
	let a = () => {
		e.beginPath(), i.forEach(({ x: t, y: n }, r) => r === 0 ? e.moveTo(t, n) : e.lineTo(t, n)), e.stroke();
	};
	e.strokeStyle = r.halo, e.lineWidth = 5, a(), e.strokeStyle = r.accent, e.lineWidth = 2, a();
	let o = i.length - 1;
	i.forEach((t, n) => {
		Ke(e, t, n === 0 || n === o ? 5.5 : 4, r.accent, r.halo);
	});
	let s = /* @__PURE__ */ new Set([
		0,
		o,
		t.stop ?? 0
	]);
	for (let a of s) {
		let o = K(t.path[a].text), s = i[a].x > n.width / 2;
		e.textAlign = s ? "right" : "left", e.textBaseline = "middle", G(e, o, i[a].x + (s ? -12 : 12), i[a].y, r);
	}
}
function Ve(e, t, n, r) {
	e.strokeStyle = r.ink, e.lineWidth = 1, e.globalAlpha = .5;
	for (let r of t) {
		let { x: t, y: i } = n.toScreen(r);
		e.beginPath(), e.arc(t, i, 3.5, 0, 2 * Math.PI), e.stroke();
	}
	e.globalAlpha = 1;
}
function He(e, t, n) {
	t.length < 2 || (e.beginPath(), t.forEach(({ x: t, y: n }, r) => r === 0 ? e.moveTo(t, n) : e.lineTo(t, n)), e.closePath(), e.fillStyle = n.accent, e.globalAlpha = .12, e.fill(), e.globalAlpha = 1, e.strokeStyle = n.accent, e.lineWidth = 1.5, e.setLineDash([5, 4]), e.stroke(), e.setLineDash([]));
}
function Ue(e, t, n, r, i) {
	let a = n !== null && Math.hypot(n.x - t.x, n.y - t.y) > Ie;
	for (let [r, o] of [[i.halo, 4], [i.ink, 1.2]]) {
		e.strokeStyle = r, e.lineWidth = o, e.beginPath();
		for (let [n, r] of [[5, 5], [5, -5]]) e.moveTo(t.x - n, t.y - r), e.lineTo(t.x + n, t.y + r);
		a && (e.moveTo(t.x, t.y), e.lineTo(n.x, n.y)), e.stroke();
	}
	if (!a) return;
	let o = t.y <= n.y ? -20 : 20;
	for (let [a, s, c] of [[
		t,
		"read here",
		o
	], [
		n,
		"its text lies here",
		-o
	]]) e.textAlign = a.x > r.width / 2 ? "right" : "left", e.textBaseline = "middle", G(e, s, a.x, a.y + c, i);
}
function We(e, { x: t, y: n }, r, i, a) {
	for (let [o, s] of [[a, 5], [i, 2]]) e.beginPath(), e.arc(t, n, r, 0, 2 * Math.PI), e.strokeStyle = o, e.lineWidth = s, e.stroke();
}
function Ge(e, t, n) {
	for (let [r, i] of [[n.halo, 5], [n.accent, 2]]) {
		e.strokeStyle = r, e.lineWidth = i, e.beginPath(), e.arc(t.x, t.y, 8, 0, 2 * Math.PI);
		for (let [n, r] of [
			[1, 0],
			[-1, 0],
			[0, 1],
			[0, -1]
		]) e.moveTo(t.x + 8 * n, t.y + 8 * r), e.lineTo(t.x + 14 * n, t.y + 14 * r);
		e.stroke();
	}
}
function Ke(e, { x: t, y: n }, r, i, a) {
	e.beginPath(), e.arc(t, n, r, 0, 2 * Math.PI), e.fillStyle = i, e.fill(), e.strokeStyle = a, e.lineWidth = 1.5, e.stroke();
}
function G(e, t, n, r, i) {
	e.strokeStyle = i.halo, e.lineWidth = 4, e.strokeText(t, n, r), e.fillStyle = i.ink, e.fillText(t, n, r);
}
function K(e) {
	let t = e.replace(/[\s\p{Cc}\p{Cf}]+/gu, " ").trim();
	return t.length > Fe ? `${t.slice(0, 59)}…` : t;
}
// src/map/picking.ts
var qe = 4, Je = 1024, Ye = 4, Xe = 256, Ze = class {
	#e;
	#t;
	#n;
	#r;
	#i;
	#a;
	#o;
	#s;
	order;
	constructor(e) {
		this.#e = e;
		let t = e.length >> 1, n = r(e), i = Math.min(Je, Math.max(1, Math.ceil(Math.sqrt(t / qe))));
		this.#t = n.left, this.#n = n.bottom, this.#a = i, this.#o = i, this.#r = (n.right - n.left) / i || 1, this.#i = (n.top - n.bottom) / i || 1, this.#s = new Uint32Array(i * i + 1);
		let a = new Int32Array(t), o = 0;
		for (let n = 0; n < t; n++) {
			let t = this.#u(e[2 * n], e[2 * n + 1]);
			a[n] = t, t < 0 || (this.#s[t + 1]++, o++);
		}
		for (let e = 0; e < i * i; e++) this.#s[e + 1] += this.#s[e];
		this.order = new Uint32Array(o);
		let s = this.#s.slice();
		for (let e = 0; e < t; e++) a[e] >= 0 && (this.order[s[a[e]]++] = e);
	}
	#c(e) {
		return Math.min(this.#a - 1, Math.max(0, Math.floor((e - this.#t) / this.#r)));
	}
	#l(e) {
		return Math.min(this.#o - 1, Math.max(0, Math.floor((e - this.#n) / this.#i)));
	}
	#u(e, t) {
		return Number.isFinite(e) && Number.isFinite(t) ? this.#l(t) * this.#a + this.#c(e) : -1;
	}
	nearest(e, t, n, r) {
		let { scaleX: i, scaleY: a } = t, o = this.#c(e.x), s = this.#l(e.y), c = this.#r * i, l = this.#i * a, u = null, d = n * n, f = Math.max(this.#a, this.#o);
		for (let t = 0; t <= f; t++) {
			let n = Math.max(0, t - 1) * Math.min(c, l);
			if (n * n > d) break;
			for (let n = Math.max(0, s - t); n <= Math.min(this.#o - 1, s + t); n++) {
				let c = Math.abs(n - s) === t || t === 0 ? 1 : 2 * t;
				for (let s = o - t; s <= o + t; s += c) {
					if (s < 0 || s >= this.#a) continue;
					let t = n * this.#a + s;
					for (let n = this.#s[t]; n < this.#s[t + 1]; n++) {
						let t = this.order[n];
						if (r[t] === 255) continue;
						let o = (this.#e[2 * t] - e.x) * i, s = (this.#e[2 * t + 1] - e.y) * a, c = o * o + s * s;
						c > d || c === d && u !== null || (u = t, d = c);
					}
				}
			}
		}
		return u;
	}
};
function Qe(e, t, n, r, i) {
	let a = e === "left" || e === "right", o = e === "left" || e === "down" ? -1 : 1, s = null, c = Infinity;
	for (let e = 0; e < i.length; e++) {
		if (i[e] === 255) continue;
		let l = (n[2 * e] - t.x) * r.scaleX, u = (n[2 * e + 1] - t.y) * r.scaleY, d = o * (a ? l : u), f = Math.abs(a ? u : l);
		if (!(d >= Ye && f <= d)) continue;
		let p = d + 2 * f;
		p < c && (s = e, c = p);
	}
	return s;
}
function $e(e, t, n) {
	let i = [];
	if (e.length < 3) return i;
	let { left: a, right: o, bottom: s, top: c } = r(Float32Array.from(e.flatMap(({ x: e, y: t }) => [e, t]))), l = (c - s) / Xe || 1, u = (e) => Math.min(255, Math.max(0, Math.floor((e - s) / l))), d = Array.from({ length: Xe }, () => []);
	e.forEach((t, n) => {
		let r = e[(n + 1) % e.length], i = u(Math.max(t.y, r.y));
		for (let e = u(Math.min(t.y, r.y)); e <= i; e++) d[e].push([t, r]);
	});
	for (let e = 0; e < n.length; e++) {
		let r = t[2 * e], l = t[2 * e + 1];
		if (n[e] === 255 || !(r >= a && r <= o && l >= s && l <= c)) continue;
		let f = !1;
		for (let [e, t] of d[u(l)]) e.y > l != t.y > l && r < e.x + (l - e.y) / (t.y - e.y) * (t.x - e.x) && (f = !f);
		f && i.push(e);
	}
	return i;
}
// src/map/theme.ts
var et = {
	light: {
		ink: "#20242b",
		halo: "#ffffff",
		accent: "#d0006f"
	},
	dark: {
		ink: "#e8eaee",
		halo: "#16181d",
		accent: "#ff6ab0"
	}
};
function tt(e) {
	let t = getComputedStyle(e).getPropertyValue("color-scheme"), n = nt("(prefers-color-scheme: dark)"), r = t.includes("dark") && (!t.includes("light") || n) || !t.includes("light") && n ? "dark" : "light", i = (t, n) => {
		e.style.color = `var(${t}, ${n})`;
		let r = getComputedStyle(e).color;
		return e.style.removeProperty("color"), r && !r.startsWith("var(") ? r : n;
	}, { ink: a, halo: o, accent: s } = et[r];
	return {
		name: r,
		ink: i("--map-ink", a),
		halo: i("--map-halo", o),
		accent: i("--map-accent", s)
	};
}
function nt(e) {
	return typeof matchMedia == "function" && matchMedia(e).matches;
}
// src/map/map_view.ts
var q = 1.6, J = 80, rt = 9, it = 1e3, at = 10, ot = 120, st = "Arrow keys move to the nearest point in a direction, Enter selects it. With Shift they move the map. Plus and minus zoom, 0 shows everything.", ct = {
	ArrowLeft: "left",
	ArrowRight: "right",
	ArrowUp: "up",
	ArrowDown: "down"
}, Y = {
	in: "M8 3v10M3 8h10",
	out: "M3 8h10",
	all: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
	lasso: "M14 6a6 4 0 1 1-12 0a6 4 0 1 1 12 0M5 10a1.5 1.5 0 1 1-2 0M4.5 12.500L3.5 15"
}, lt = 0, ut = class {
	#e;
	#t;
	#n;
	#r;
	#i;
	#a;
	#o;
	#s = new i(() => nt("(prefers-reduced-motion: reduce)"));
	#c = new ce();
	#l;
	#u = new AbortController();
	#d;
	#f = /* @__PURE__ */ new Float32Array();
	#p = { kind: "none" };
	#m = U(this.#p, 0);
	#h = null;
	#g = /* @__PURE__ */ new Set();
	#_ = /* @__PURE__ */ new Uint8Array();
	#v = null;
	#y = 0;
	#b = new Ze(this.#f);
	#x = /* @__PURE__ */ new Float32Array();
	#S = /* @__PURE__ */ new Uint8Array();
	#C = !1;
	#w = null;
	#T = [];
	#E = null;
	#D = null;
	#O = null;
	#k = null;
	#A = null;
	#j = [];
	#M = [];
	#N = !1;
	#P;
	#F = null;
	#I = 0;
	#L = !0;
	#R = 0;
	#z = !1;
	#B = 0;
	#V = null;
	#H = !1;
	constructor(e, t = {}) {
		this.#e = { ...t }, this.#t = X("div", "tvae-map"), this.#n = X("div", "tvae-map-stage"), this.#a = X("canvas", "tvae-map-points"), this.#o = X("canvas", "tvae-map-overlay"), this.#r = X("div", "tvae-map-spoken"), this.#r.setAttribute("aria-live", "polite"), this.#n.append(this.#a, this.#o);
		for (let e of [this.#a, this.#o]) e.setAttribute("aria-hidden", "true");
		this.#n.tabIndex = 0, this.#n.setAttribute("role", "application"), this.#n.setAttribute("aria-roledescription", "map");
		let n = X("div", "tvae-map-spoken");
		n.id = `tvae-map-help-${++lt}`, n.textContent = st, this.#n.setAttribute("aria-describedby", n.id);
		let r = X("div", "tvae-map-buttons"), i = () => ({
			x: this.#s.width / 2,
			y: this.#s.height / 2
		});
		r.append(this.#U("Zoom in", Y.in, () => this.#s.zoomAt(i(), q, !0)), this.#U("Zoom out", Y.out, () => this.#s.zoomAt(i(), 1 / q, !0)), this.#U("Show everything", Y.all, () => this.#s.reset()), this.#i = this.#U("Select by outline", Y.lasso, () => this.setLassoMode(!this.#N))), this.#i.setAttribute("aria-pressed", "false"), this.#t.append(this.#n, r, this.#r, n), e.append(this.#t), this.#P = tt(this.#t), this.#d = xe(this.#n, {
			hover: (e) => {
				this.#V = e, this.#H = !0, this.#Z();
			},
			tap: (e, t) => this.#se(e, t),
			doubleTap: (e) => this.#q(() => this.#s.zoomAt(e, q ** 2, !0)),
			pan: (e, t) => this.#q(() => this.#s.panBy(e, t)),
			zoom: (e, t) => this.#q(() => this.#s.zoomAt(e, t)),
			wantsLasso: (e) => this.#N || e.shiftKey,
			lasso: (e) => {
				this.#j = e.map((e) => this.#s.toData(e)), this.#Z();
			},
			lassoEnd: (e) => this.#ce(e)
		});
		let { signal: a } = this.#u;
		this.#n.addEventListener("keydown", (e) => this.#le(e), { signal: a }), this.#n.addEventListener("blur", () => this.#fe(null), { signal: a }), typeof matchMedia == "function" && matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
			this.refreshTheme(), this.#e.onTheme?.();
		}, { signal: a }), this.#l = new ResizeObserver(() => this.#Q()), this.#l.observe(this.#t), this.#Q(), this.#G();
	}
	setPoints(e) {
		e.length !== this.#f.length && (this.#h = null, this.#g.clear(), typeof this.#E == "number" && (this.#E = null)), this.#f = e, this.#b = new Ze(e);
		let { order: t } = this.#b, n = new Float32Array(2 * t.length);
		for (let r = 0; r < t.length; r++) n[2 * r] = e[2 * t[r]], n[2 * r + 1] = e[2 * t[r] + 1];
		this.#x = n, this.#D = this.#O = null, this.#j = [], this.#s.fit(r(e), this.#w !== null), this.#m = U(this.#p, e.length >> 1), this.#W();
	}
	setColor(e) {
		this.#p = e, this.#m = U(e, this.#f.length >> 1), this.#g.clear(), this.#W();
	}
	setFilter(e) {
		this.#h = e, this.#W();
	}
	setHiddenEntries(e) {
		this.#g = new Set(e), this.#W();
	}
	setHidden(e) {
		this.#e.hidden = e, this.#X();
	}
	legend() {
		return this.#m.legend(this.#P.name);
	}
	get visibleCount() {
		return this.#y;
	}
	setPath(e) {
		this.#T = e, this.#k = null, this.#Z();
	}
	setSelected(e) {
		this.#E = e, this.#Z();
	}
	setReadAt(e) {
		this.#A = e, this.#Z();
	}
	setMarked(e) {
		this.#M = e, e.length === 0 && (this.#j = []), this.#Z();
	}
	setAxes(e) {
		let t = this.#w !== null;
		this.#w = e, t !== (e !== null) && this.#s.fit(r(this.#f), e !== null), this.#G(), this.#X();
	}
	setContours(e) {
		this.#C = e, this.#Z();
	}
	setLassoMode(e) {
		this.#N = e, this.#i.setAttribute("aria-pressed", String(e));
	}
	get view() {
		let { x: e, y: t } = this.#s.view;
		return {
			x: e,
			y: t,
			zoom: this.#s.zoom()
		};
	}
	setView({ x: e, y: t, zoom: n }) {
		this.#s.lookAt({
			x: e,
			y: t
		}, n), this.#X();
	}
	reveal(e) {
		let t = this.#K(e);
		t && this.#q(() => this.#s.reveal(t, this.#A ?? t));
	}
	refreshTheme() {
		this.#P = tt(this.#t), this.#X();
	}
	destroy() {
		cancelAnimationFrame(this.#I), window.clearTimeout(this.#B), this.#I = -1, this.#l.disconnect(), this.#u.abort(), this.#d(), this.#t.remove();
	}
	#U(e, t, n) {
		let r = X("button", "");
		r.type = "button", r.title = e, r.setAttribute("aria-label", e);
		let i = document.createElementNS("http://www.w3.org/2000/svg", "svg");
		i.setAttribute("viewBox", "0 0 16 16"), i.setAttribute("aria-hidden", "true");
		let a = document.createElementNS("http://www.w3.org/2000/svg", "path");
		return a.setAttribute("d", t), i.append(a), r.append(i), r.addEventListener("click", () => this.#q(n)), r;
	}
	#W() {
		let e = this.#m.slots.slice(), t = this.#h, n = this.#g, r = 0;
		for (let i = 0; i < e.length; i++) t && !t[i] || n.size > 0 && n.has(e[i]) ? e[i] = 255 : r++;
		this.#_ = e;
		let { order: i } = this.#b, a = new Uint8Array(i.length);
		for (let t = 0; t < i.length; t++) a[t] = e[i[t]];
		this.#S = a, this.#y = r, this.#v = n.size > 0 ? {} : t, this.#G(), this.#X();
	}
	#G() {
		let e = this.#e.label ?? "Map", t = this.#_.length, n = this.#y === t ? `${t} points` : `${this.#y} of ${t} points visible`, r = this.#w ? ` Across: ${this.#w.x}; upwards: ${this.#w.y}.` : "";
		this.#n.setAttribute("aria-label", `${e}: ${n}.${r}`);
	}
	#K(e) {
		if (typeof e != "number") return e;
		let t = this.#f[2 * e], n = this.#f[2 * e + 1];
		return t !== void 0 && n !== void 0 && Number.isFinite(t + n) ? {
			x: t,
			y: n
		} : null;
	}
	#q(e) {
		e(), this.#z = !0, this.#J(), this.#H = !0, this.#X();
	}
	#J() {
		window.clearTimeout(this.#B), this.#B = window.setTimeout(() => this.#Y(), ot);
	}
	#Y() {
		this.#s.gliding ? this.#J() : (this.#z = !1, this.#e.onView?.(this.view), this.#F && this.#F.width < this.#o.width && this.#X());
	}
	#X() {
		this.#L = !0, this.#Z();
	}
	#Z() {
		this.#I === 0 && (this.#I = requestAnimationFrame((e) => this.#$(e)));
	}
	#Q() {
		this.#s.resize(this.#t.clientWidth, this.#t.clientHeight), this.#X();
	}
	#$(e) {
		this.#I = 0;
		let { gliding: t } = this.#s;
		this.#s.step(e) && this.#Z(), (this.#L || t) && this.#te(), this.#L = !1, this.#H && this.#ae(), this.#H = !1, this.#ne();
	}
	#ee(e, t) {
		let n = Math.max(1, Math.round(this.#s.width * t)), r = Math.max(1, Math.round(this.#s.height * t));
		return (e.width !== n || e.height !== r) && (e.width = n, e.height = r), e.getContext("2d");
	}
	#te() {
		let e = this.#a, t = window.devicePixelRatio || 1, n = this.#z && this.#R > at ? Math.min(t, 1) : t, r = this.#ee(e, n);
		if (!r) return;
		let i = performance.now();
		(this.#F?.width !== e.width || this.#F.height !== e.height) && (this.#F = r.createImageData(e.width, e.height));
		let a = this.#P.name;
		this.#c.draw({
			xy: this.#x,
			slots: this.#S,
			colors: this.#m.colors(a),
			size: se(this.#_.length, this.#s.zoom(), this.#s.width * this.#s.height),
			faint: this.#e.hidden === "none" ? null : B[a]
		}, this.#s, n, new Uint32Array(this.#F.data.buffer), e.width, e.height), r.putImageData(this.#F, 0, 0), n === t && (this.#R = performance.now() - i);
	}
	#ne() {
		let e = window.devicePixelRatio || 1, t = this.#ee(this.#o, e);
		t && (t.setTransform(e, 0, 0, e, 0, 0), Le(t, {
			contours: this.#C ? pe(this.#f, this.#_, this.#v) : [],
			axes: this.#w,
			path: this.#T,
			stop: this.#k,
			hovered: this.#K(this.#D),
			focused: this.#K(this.#O),
			selected: this.#K(this.#E),
			readAt: this.#A,
			lasso: this.#j,
			marked: this.#M.length > it ? [] : this.#M.flatMap((e) => this.#K(e) ?? [])
		}, this.#s, this.#P));
	}
	#re(e, t) {
		return this.#b.nearest(this.#s.toData(e), this.#s.view, t, this.#_);
	}
	#ie(e) {
		let t = null, n = rt;
		return this.#T.forEach((r, i) => {
			let a = this.#s.toScreen(r), o = Math.hypot(a.x - e.x, a.y - e.y);
			o > n || (t = i, n = o);
		}), t;
	}
	#ae() {
		let e = this.#V;
		if (!e && this.#O !== null) return;
		this.#k = e && this.#ie(e);
		let t = e && this.#k === null ? this.#re(e, 10) : null;
		this.#D = t, this.#oe(t, e);
	}
	#oe(e, t) {
		let n = t && this.#s.toData(t);
		this.#e.onHover?.(e, t && n && {
			x: n.x,
			y: n.y,
			left: t.x,
			top: t.y
		});
	}
	#se(e, t) {
		let n = this.#ie(e), r = n === null ? this.#re(e, t) : null;
		n === null ? r === null ? this.#e.onSelectPosition?.(this.#s.toData(e)) : this.#e.onSelectPoint?.(r) : this.#e.onSelectStop?.(n);
	}
	#ce(e) {
		if (this.#j = (e ?? []).map((e) => this.#s.toData(e)), this.#Z(), !e) return;
		let t = $e(this.#j, this.#f, this.#_);
		this.#r.textContent = `${t.length} points in the outline`, this.#e.onLasso?.(t);
	}
	#le(e) {
		if (e.ctrlKey || e.metaKey || e.altKey) return;
		let t = ct[e.key], n = {
			x: this.#s.width / 2,
			y: this.#s.height / 2
		};
		if (t && e.shiftKey) {
			let e = t === "left" ? J : t === "right" ? -80 : 0, n = t === "up" ? J : t === "down" ? -80 : 0;
			this.#q(() => this.#s.panBy(e, n, !0));
		} else if (t) this.#de(t);
		else if (e.key === "+" || e.key === "=") this.#q(() => this.#s.zoomAt(this.#ue() ?? n, q, !0));
		else if (e.key === "-" || e.key === "_") this.#q(() => this.#s.zoomAt(this.#ue() ?? n, 1 / q, !0));
		else if (e.key === "0") this.#q(() => this.#s.reset());
		else if (e.key === "Enter" && this.#O !== null) this.#e.onSelectPoint?.(this.#O);
		else if (e.key === "Escape" && (this.#O !== null || this.#N || this.#j.length > 0)) this.setLassoMode(!1), this.#j.length > 0 && (this.setMarked([]), this.#e.onLasso?.([])), this.#fe(null);
		else return;
		e.preventDefault();
	}
	#ue() {
		let e = this.#K(this.#O);
		return e && this.#s.toScreen(e);
	}
	#de(e) {
		let t = this.#K(this.#O), n;
		if (t) n = Qe(e, t, this.#f, this.#s.view, this.#_);
		else {
			let e = this.#K(this.#E), t = e ? this.#s.toScreen(e) : {
				x: this.#s.width / 2,
				y: this.#s.height / 2
			};
			n = this.#re(t, Infinity);
		}
		n !== null && this.#fe(n);
	}
	#fe(e) {
		if (e === this.#O) return;
		this.#O = e;
		let t = this.#K(e);
		if (e === null || !t) {
			this.#oe(null, null), this.#Z();
			return;
		}
		this.#q(() => this.#s.reveal(t)), this.#oe(e, this.#s.toScreen(t));
		let n = this.#e.describe?.(e) ?? `Point ${e + 1}`;
		Promise.resolve(n).then((t) => {
			this.#O === e && (this.#r.textContent = t);
		}, () => {});
	}
};
function X(e, t) {
	let n = document.createElement(e);
	return n.className = t, n;
}
// src/state/words.ts
function dt(e, t = 60) {
	let n = e.replace(/\s+/g, " ").trim();
	return n.length <= t ? n : n.slice(0, t - 1) + "…";
}
// src/widget/widget.ts
var ft = [
	"slerp",
	"lerp",
	"token-slerp"
], pt = {
	umap: "UMAP",
	pca: "principal components"
};
function Z(e) {
	return new Float32Array(e.buffer.slice(e.byteOffset, e.byteOffset + 4 * Math.floor(e.byteLength / 4)));
}
function mt(e, t, n) {
	return e === "" ? {
		start: n,
		end: t
	} : t === "" ? {
		start: e,
		end: n
	} : {
		start: n,
		end: ""
	};
}
function Q(e, t = {}, ...n) {
	let r = Object.assign(document.createElement(e), t);
	return r.append(...n), r;
}
function ht({ model: e, el: t }) {
	let n = [];
	function r(t, r) {
		r();
		for (let i of t) e.on(`change:${i}`, r), n.push(() => e.off(`change:${i}`, r));
	}
	function i(t) {
		for (let [n, r] of Object.entries(t)) e.set(n, r);
		e.save_changes();
	}
	let a = (t, n) => {
		let a = Q("input", {
			type: "text",
			spellcheck: !1,
			autocomplete: "off",
			placeholder: "a text, or a click on the map"
		});
		return a.addEventListener("change", () => i({ [t]: a.value })), r([t], () => a.value = e.get(t)), Q("label", { className: "tvae-end" }, n, a);
	}, o = (t, n, a, o = {}) => {
		let s = Q("select", {}, ...a.map((e) => Q("option", { value: e }, o[e] ?? e)));
		return s.addEventListener("change", () => i({ [t]: s.value })), r([t], () => s.value = e.get(t)), Q("label", {}, n, s);
	}, s = Q("input", {
		type: "range",
		min: "2",
		max: "25"
	}), c = Q("output");
	s.addEventListener("input", () => c.value = s.value), s.addEventListener("change", () => i({ steps: Number(s.value) })), r(["steps"], () => {
		s.value = String(e.get("steps")), c.value = String(e.get("steps"));
	});
	let l = e.get("_projections"), u = Q("div", { className: "tvae-ends" }, a("start", "from"), a("end", "to")), d = Q("div", { className: "tvae-how" }, Q("label", {}, "steps", s, c), o("path", "path", ft), ...l.length > 1 ? [o("projection", "map", l, pt)] : []), f = Q("div", { className: "tvae-host" });
	f.style.height = `${e.get("_height")}px`;
	let p = Q("div", {
		className: "tvae-hover",
		hidden: !0
	});
	p.setAttribute("aria-hidden", "true");
	let m = Q("div", { className: "tvae-legend" }), h = Q("div", { className: "tvae-here" }), g = Q("div", { className: "tvae-problem" });
	g.setAttribute("role", "alert");
	let _ = Q("ol", {
		className: "tvae-stops",
		start: 0
	});
	_.setAttribute("aria-label", "texts of the path");
	let v = Q("div", { className: "tvae-explorer" }, u, d, Q("div", { className: "tvae-frame" }, f, p), m, h, g, _);
	v.addEventListener("keydown", (e) => e.stopPropagation());
	let y = Q("style", { textContent: `.tvae-picture-${e.get("_key")} { display: none; }` });
	t.append(y, v);
	let b = /* @__PURE__ */ new Float32Array(), x = (t) => e.get("_texts")[t] ?? "", S = (t) => {
		let n = b[t];
		return n === void 0 ? "" : e.get("_label_names")[n] ?? "";
	}, C = (e) => S(e) === "" ? x(e) : `${x(e)} (${S(e)})`, w = (t) => i(mt(e.get("start"), e.get("end"), t)), T = new ut(f, {
		label: "Map of texts",
		describe: C,
		onHover: (e, t) => {
			p.hidden = e === null || t === null, e !== null && t !== null && (p.textContent = dt(C(e), 160), p.style.left = `${t.left}px`, p.style.top = `${t.top}px`, p.classList.toggle("tvae-below", t.top < 90));
		},
		onSelectPoint: (e) => {
			T.setSelected(e), w(x(e));
		},
		onSelectPosition: (e) => i({ place: [e.x, e.y] }),
		onSelectStop: (e) => A(e),
		onLasso: (e) => i({ _chosen: e }),
		onTheme: () => E()
	});
	n.push(() => T.destroy()), r(["_chosen"], () => T.setMarked(e.get("_chosen")));
	function E() {
		m.replaceChildren(...T.legend().entries.map((e) => {
			let t = Q("span", { className: "tvae-dot" });
			return t.style.background = e.color, Q("span", {}, t, `${e.label} ${e.count.toLocaleString()}`);
		}));
	}
	let D = () => {
		T.refreshTheme(), E();
	}, O = new ResizeObserver(D);
	O.observe(v);
	let k = new MutationObserver(D);
	k.observe(document.body, {
		attributes: !0,
		attributeFilter: ["class", "data-jp-theme-light"]
	}), n.push(() => O.disconnect(), () => k.disconnect()), r(["_positions"], () => {
		T.setPoints(Z(e.get("_positions"))), T.setSelected(null);
	}), r(["_label_of"], () => {
		b = Z(e.get("_label_of"));
		let t = b.length === 0 ? { kind: "none" } : {
			kind: "label",
			values: b,
			labels: e.get("_label_names")
		};
		T.setColor(t), E();
	}), r(["_stops"], () => {
		let t = e.get("_stops");
		T.setPath(t), _.replaceChildren(...t.map((e, t) => {
			let n = Q("button", {
				type: "button",
				className: "tvae-text",
				textContent: e.text
			});
			return n.addEventListener("click", () => A(t)), Q("li", {}, n, ...$(e.valid));
		}));
	}), r(["_here"], () => {
		let { x: t, y: n, text: r, valid: a } = e.get("_here");
		if (r === void 0) {
			h.replaceChildren(), T.setSelected(null);
			return;
		}
		T.setSelected({
			x: t,
			y: n
		});
		let o = Q("button", { type: "button" }, "from here");
		o.addEventListener("click", () => i({ start: r }));
		let s = Q("button", { type: "button" }, "to here");
		s.addEventListener("click", () => i({ end: r })), h.replaceChildren("there: ", Q("code", { className: "tvae-text" }, r), ...$(a ?? null), " ", o, " ", s);
	}), r(["_problem"], () => g.textContent = e.get("_problem"));
	function A(t) {
		let n = e.get("_stops")[t];
		n && (T.setSelected({
			x: n.x,
			y: n.y
		}), T.reveal({
			x: n.x,
			y: n.y
		}), [..._.children].forEach((e, n) => e.classList.toggle("tvae-selected", n === t)));
	}
	return () => {
		for (let e of n) e();
		v.remove(), y.remove();
	};
}
function $(e) {
	return e === !1 ? [Q("span", {
		className: "tvae-cross",
		title: "fails the model's check"
	}, " ✗")] : [];
}
var gt = { render: ht };
export { gt as default, Z as floatsOf, mt as nextEnds };
