using System.ComponentModel;

namespace EfficientConv.Dsl.Runtime;

/// <summary>Which rows and columns of a transposed convolution's kernel reach the output pixels of one phase, in ascending order of the input pixels.</summary>
/// <param name="FirstRow">Kernel row of the first tap.</param>
/// <param name="RowStep">Kernel rows from a tap back to the next.</param>
/// <param name="Rows">Taps in a column.</param>
/// <param name="FirstColumn">Kernel column of the first tap.</param>
/// <param name="ColumnStep">Kernel columns from a tap back to the next.</param>
/// <param name="Columns">Taps in a row.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly record struct TransposedTaps(int FirstRow, int RowStep, int Rows, int FirstColumn, int ColumnStep, int Columns);
