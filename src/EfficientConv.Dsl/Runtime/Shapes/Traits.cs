using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;

namespace EfficientConv.Dsl.Runtime;

// What a shape's kernel does beyond the plain product. Kernels ask "default(TShape) is IAddsResidual", which compilers answer when they read the
// method, before they translate what stands after it: a property that returns a constant is only known later, and costs time for nothing. The traits of activations
// stand with their arithmetic in Elementwise.Activations.cs.

/// <summary>The sums begin with the bias and the residual.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A trait of a type argument.")]
public interface IAddsResidual;

/// <summary>The sums begin with the bias and what the output holds.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A trait of a type argument.")]
public interface IAddsOutput;

/// <summary>The sums begin with what the output holds.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A trait of a type argument.")]
public interface IAccumulates;

/// <summary>The kernel prefetches something step by step.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A trait of a type argument.")]
public interface IPrefetches;

/// <summary>What is prefetched is the residual of the next tile.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A trait of a type argument.")]
public interface IPrefetchesResidual;

/// <summary>The kernel prefetches its input, of which other threads made a part.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A trait of a type argument.")]
public interface IPrefetchesInput;

/// <summary>The input rows lie in a ring.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A trait of a type argument.")]
public interface IRing;
