// netstandard2.0 lacks the marker types that records and required members need.
namespace System.Runtime.CompilerServices;

internal static class IsExternalInit;
