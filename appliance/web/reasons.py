"""Reasons that duties give in English and that pages show: here, so that the catalogues have them."""

from appliance.web.i18n import translatable

REASONS = (
    translatable("the two passwords differ"),
    translatable("the present password is another one"),
    translatable("the password contains the name of the account"),
    translatable("the password is a common one, or made of common parts in a common way"),
    translatable("this is not the code"),
    translatable("a token without any permission is of no use"),
)
