// Sends the one form of the page: the answer of a login to the app that asked for it.
document.getElementById('form-post').submit();
