namespace Mlops.Sdk;

/// <summary>Knows the objects that a package keeps in a store, and checks them: the seam through which every package takes part in the verification of a whole workspace.</summary>
/// <remarks>
/// Register one as a singleton of this type and it takes part. An object is given to the inspector with the longest prefix that its key
/// starts with; one that no inspector claims is reported as unknown. An inspector reads and never writes.
/// </remarks>
public interface IStoreInspector
{
    /// <summary>Gets the name of what it checks, such as <c>artifacts</c>: 1 to 64 of <c>a-z 0-9 -</c>.</summary>
    string Area { get; }

    /// <summary>Gets the prefixes of keys that are its own, such as <c>artifacts/sha256/</c>; empty when it only checks that what others keep is complete.</summary>
    IReadOnlyList<string> Prefixes { get; }

    /// <summary>Begins a verification: reads what the ledger says about the objects.</summary>
    /// <param name="context">The store, and how the ledger was found.</param>
    /// <param name="cancellationToken">Stops the verification.</param>
    /// <returns>The verification, used for one walk over the store.</returns>
    ValueTask<IStoreInspection> StartAsync(StoreInspectionContext context, CancellationToken cancellationToken = default);
}

/// <summary>One walk over the objects of one area.</summary>
public interface IStoreInspection
{
    /// <summary>Checks one object. Several calls run at the same time. A finding that is no leftover is looked at once more before it is told, so that an answer torn on its way is no damage.</summary>
    /// <param name="found">The object, as listed.</param>
    /// <param name="cancellationToken">Stops the check.</param>
    /// <returns>
    /// What is wrong with it, or null. What is thrown becomes a finding too: <see cref="FormatException"/> and <see cref="MlopsIntegrityException"/>
    /// say that the bytes are not what was written (a code that ends in <c>newer_format</c>: that a newer version wrote them), <see cref="MlopsStorageException"/>
    /// and <see cref="IOException"/> that they could not be read.
    /// </returns>
    ValueTask<StoreFinding?> InspectAsync(ObjectInfo found, CancellationToken cancellationToken = default);

    /// <summary>Ends the walk, after every object: tells what should have been there and was not.</summary>
    /// <param name="cancellationToken">Stops the check.</param>
    /// <returns>The findings.</returns>
    IAsyncEnumerable<StoreFinding> FinishAsync(CancellationToken cancellationToken = default);
}
