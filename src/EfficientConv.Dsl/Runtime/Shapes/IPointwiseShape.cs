using System.ComponentModel;

namespace EfficientConv.Dsl.Runtime;

/// <summary>
/// The sizes of a 1x1 convolution as constants: matrix products that differ in them alone share one kernel, and the just-in-time and the native
/// compiler translate it once for every shape, with the numbers in its instructions. All steps are in floats.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface IPointwiseShape
{
    /// <summary>Input channels: the length of a sum.</summary>
    static abstract int Channels { get; }

    /// <summary>Input channels that lie together.</summary>
    static abstract int Block { get; }

    /// <summary>From a block of input channels to the next.</summary>
    static virtual int BlockStep => 0;

    /// <summary>From an input channel to the next.</summary>
    static virtual int ChannelStep => 1;

    /// <summary>From an input pixel to the next.</summary>
    static abstract int InputStep { get; }

    /// <summary>From an output pixel to the next.</summary>
    static abstract int OutputStep { get; }

    /// <summary>From an output vector to the next.</summary>
    static abstract int OutputVectorStep { get; }

    /// <summary>From a pixel of the residual to the next.</summary>
    static virtual int ResidualStep => 0;

    /// <summary>From an output channel's bias to its learned slope.</summary>
    static virtual int SlopeOffset => 0;

    /// <summary>From an output channel's bias to its factor after the activation; 0 for none.</summary>
    static virtual int ScaleOffset => 0;

    /// <summary>From an output channel's bias to its summand.</summary>
    static virtual int ShiftOffset => 0;

    /// <summary>Panels of output channels.</summary>
    static virtual int Panels => 1;

    /// <summary>Tiles of pixels.</summary>
    static virtual int Tiles => 1;

    /// <summary>Tiles after them that are one pixel larger.</summary>
    static virtual int LargerTiles => 0;

    /// <summary>Tiles of pixels of the last, narrower panel.</summary>
    static virtual int LastTiles => 1;

    /// <summary>Tiles after them that are one pixel larger.</summary>
    static virtual int LastLargerTiles => 0;

    /// <summary>Floats prefetched in each step of a sum.</summary>
    static virtual int PrefetchStep => 0;

    /// <summary>Weights of squeeze-and-excitation prefetched in each step of a sum.</summary>
    static virtual int GatePrefetchStep => 0;
}
