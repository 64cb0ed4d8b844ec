// SPDX-License-Identifier: MIT
/* Where the emulator and our hart may differ, each with the reason. */
#include "vector_test.h"

#include <string.h>

struct fields {
	unsigned int op, vd, f3, vs1, vs2, vm, f6, nf, sew;
	int lmul;
};

static struct fields fields_of(const struct vt_case *c)
{
	uint32_t i = c->insn;

	return (struct fields) {
		.op = i & 0x7f, .vd = i >> 7 & 31, .f3 = i >> 12 & 7, .vs1 = i >> 15 & 31,
		.vs2 = i >> 20 & 31, .vm = i >> 25 & 1, .f6 = i >> 26, .nf = i >> 29,
		.sew = c->in.vtype >> 3 & 7, .lmul = (int)((c->in.vtype & 7) ^ 4) - 4,
	};
}

static bool overlap(unsigned int a, unsigned int na, unsigned int b, unsigned int nb)
{
	return a < b + nb && b < a + na;
}

static unsigned int regs(int emul)
{
	return emul > 0 ? 1u << emul : 1;
}

/* An OP-V instruction whose sources of different EEW share a register. */
static bool op_two_widths(const struct fields *f)
{
	unsigned int r = regs(f->lmul), wide = regs(f->lmul + 1), f6 = f->f6;
	bool vector_vs1 = f->f3 <= 2, m = f->f3 == 2 || f->f3 == 6, fp = f->f3 == 1 || f->f3 == 5;

	/* v0 as a mask or carry, and as data */
	if (!f->vm && (!f->vs2 || (vector_vs1 && !f->vs1)))
		return true;
	if (f->f3 == 2 && f6 == 0x17)			/* vcompress: vs1 is a mask */
		return overlap(f->vs2, r, f->vs1, 1);
	if (f->f3 == 0 && f6 == 0x0e && f->sew != 1)	/* vrgatherei16 */
		return overlap(f->vs2, r, f->vs1, regs(f->lmul + 1 - (int)f->sew));
	if ((f->f3 == 0 || f->f3 == 1) && (f6 == 0x30 || f6 == 0x31 || f6 == 0x33))
		return overlap(f->vs2, r, f->vs1, 1);	/* widening reductions */
	if (vector_vs1 && ((f->f3 && f6 >= 0x34 && f6 <= 0x37) ||
			   (!f->f3 && f6 >= 0x2c && f6 <= 0x2f)))
		return overlap(f->vs2, wide, f->vs1, r);
	/* widening multiply-adds read vd */
	if ((m || fp) && f6 >= (fp ? 0x3bu : 0x3cu))
		return overlap(f->vd, wide, f->vs2, r) ||
		       (vector_vs1 && overlap(f->vd, wide, f->vs1, r));
	return false;
}

/* "A vector register cannot be used to provide source operands with more than one EEW." */
static bool two_widths(const struct fields *f)
{
	bool store = f->op == 0x27, indexed = f->f6 & 1;
	int eew = f->f3 & 3, emul = eew - (int)f->sew + f->lmul;

	if (f->op == 0x57)
		return op_two_widths(f);
	if (!f->vm && ((store && !f->vd) || (indexed && !f->vs2)))
		return true;
	return store && indexed && eew != (int)f->sew &&
	       overlap(f->vd, (f->nf + 1) * regs(f->lmul), f->vs2, regs(emul));
}

/* The element of a unit-stride access that meets the end of memory, or that of vstart. */
static uint64_t end_of_memory(const struct vt_case *c)
{
	uint64_t left = MEM_BASE + MEM_BYTES - c->in.x[10];

	return left >> (c->insn >> 12 & 3);
}

/* Are the records the same but for the header's vstart, or (@sum) fflags and register @vd? */
static bool otherwise_same(const struct vt_header *ours, const struct vt_header *theirs,
			   size_t size, size_t vlenb, unsigned int vd, bool sum)
{
	const uint8_t *p = (const void *)(ours + 1), *q = (const void *)(theirs + 1);
	struct vt_header o = *ours, t = *theirs;

	size -= sizeof(o);
	if (!sum) {
		o.vstart = t.vstart;
		return !memcmp(&o, &t, sizeof(o)) && !memcmp(p, q, size);
	}
	o.fcsr = t.fcsr;
	return !memcmp(&o, &t, sizeof(o)) && !memcmp(p, q, vd * vlenb) &&
	       !memcmp(p + (vd + 1) * vlenb, q + (vd + 1) * vlenb, size - (vd + 1) * vlenb);
}

/* What qemu 7.2 does otherwise than the specification and its own successors. */
static const char *excused_old(const struct vt_case *c, const struct vt_header *ours,
			       const struct vt_header *theirs, const struct fields *f, bool alike)
{
	if (alike && theirs->vstart == c->in.vstart && !ours->vstart)
		return "7.2: some instructions leave vstart as it was";
	if (ours->trap == 4 && !theirs->trap && f->op == 0x57 && f->f3 == 2 && !f->vm &&
	    f->f6 >= 0x17 && f->f6 <= 0x1f)
		return "7.2: vcompress and mask logic with vm = 0 are not rejected";
	if (f->op == 0x57 && f->f3 == 3 && f->f6 == 0x27 && (c->in.vstart || ours->vtype >> 63))
		return "7.2: vmv<nr>r ignores vill, and crashes on vstart";
	return NULL;
}

const char *vt_excused(const struct vt_batch *b, const struct vt_case *c,
		       const struct vt_header *ours, const struct vt_header *theirs, size_t size,
		       int version)
{
	struct fields f = fields_of(c);
	bool fp = f.op == 0x57 && (f.f3 == 1 || f.f3 == 5);
	bool unit = f.op != 0x57 && !(f.f6 & 3);
	size_t vlenb = b->vlen / 8;

	if (ours->trap == 4 && theirs->trap != 4 && two_widths(&f))
		return "the emulator lets one register be read with two EEWs (V 1.0, 5.2)";
	if (f.op == 0x57 && f.f3 == 7 && !f.vd && !f.vs1 && c->insn >> 30 != 3 && ours->vtype >> 63)
		return "vsetvl rd = rs1 = x0 that changes VLMAX is reserved: we set vill";
	if (fp && (f.f6 == 1 || f.f6 == 0x31) && f.f3 == 1 &&
	    otherwise_same(ours, theirs, size, vlenb, f.vd, true))
		return "unordered sum: the specification leaves the order open";
	if (fp && f.f6 == 0x3b && f.f3 == 5 && c->in.f[f.vs1] >> 16 != UINT64_MAX >> 16)
		return "the emulator takes f16's NaN for a bf16 that is not NaN-boxed";
	if (unit && ours->trap == 11 && theirs->trap == 11 && theirs->vstart < ours->vstart &&
	    ours->vstart == end_of_memory(c))
		return "unit-stride page fault: the emulator names an earlier element";
	if (f.op == 0x07 && unit && f.vs2 == 16 && ours->vl == theirs->vl && ours->vl < c->in.vl)
		return "fault-only-first may write elements past the new vl";
	if (f.op == 0x07 && f.nf && ours->trap == 11 && !memcmp(ours, theirs, sizeof(*ours)))
		return "a faulting segment's first fields may have been loaded";
	if (version < 800)
		return excused_old(c, ours, theirs, &f,
				   otherwise_same(ours, theirs, size, vlenb, 0, false));
	return NULL;
}
