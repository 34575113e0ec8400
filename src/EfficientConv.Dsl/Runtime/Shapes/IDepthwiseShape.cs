using System.ComponentModel;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// The sizes of a run of column tiles of a depthwise (or narrow grouped) convolution as constants: tiles that differ in them alone share one kernel,
/// and the just-in-time and the native compiler translate it once for every shape, with the numbers in its instructions. All steps are in floats.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface IDepthwiseShape
{
    /// <summary>Vectors of channels.</summary>
    static abstract int Vectors { get; }

    /// <summary>From an input vector to the next.</summary>
    static abstract int VectorStep { get; }

    /// <summary>Rows of the ring that holds the input, 0 where all rows lie in a plane.</summary>
    static virtual int RingRows => 0;

    /// <summary>From an input row to the next.</summary>
    static abstract int RowStep { get; }

    /// <summary>From an input pixel to the next.</summary>
    static abstract int PixelStep { get; }

    /// <summary>From an input value of an output lane to its next.</summary>
    static virtual int LaneStep => 1;

    /// <summary>From the row's begin to the first pixel that the first tile reads.</summary>
    static virtual int FirstInput => 0;

    /// <summary>From the output row's begin to the first tile.</summary>
    static virtual int FirstOutput => 0;

    /// <summary>From an output pixel to the next.</summary>
    static abstract int OutputStep { get; }

    /// <summary>From an output vector to the next.</summary>
    static abstract int OutputVectorStep { get; }

    /// <summary>From an output channel's bias to its learned slope.</summary>
    static virtual int SlopeOffset => 0;

    /// <summary>From an output channel's bias to its factor after the activation; 0 for none.</summary>
    static virtual int ScaleOffset => 0;

    /// <summary>From an output channel's bias to its summand.</summary>
    static virtual int ShiftOffset => 0;

    /// <summary>Tiles.</summary>
    static virtual int Tiles => 1;

    /// <summary>Input columns under a tile that lie before the map.</summary>
    static virtual int Left => 0;

    /// <summary>Input columns under a tile up to the map's end.</summary>
    static virtual int End => int.MaxValue;
}
